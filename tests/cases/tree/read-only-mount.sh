#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# With -o ro nothing can be written, and everything can be read.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
stop_instfs
start_instfs -o ro
assert_file "$I/c1/state" 'stopped\n'
assert_fails EROFS mkdir "$I/c2"
assert_fails EROFS "$SYS" open "$I/c1/state" w
assert_fails EROFS rmdir "$I/c1"
