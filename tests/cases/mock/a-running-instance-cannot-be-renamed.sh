#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mv of a running instance is EBUSY; it keeps its name and runs on.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1 running
assert_fails EBUSY "$SYS" rename "$I/c1" "$I/c4"
assert_error_matches "$I/c1/error" 'run'
assert_file "$I/c1/state" 'running\n'
assert_missing "$I/c4"
