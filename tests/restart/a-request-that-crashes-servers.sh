#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One request that crashes every server is refused in the end; everybody else goes on.
. "$(dirname "$0")/lib.sh"
allow_log 'crashed 3 servers'

start_instfs
echo before >"$M/file"
assert_fails EIO mkdir "$M/poison"
assert_file "$M/file" 'before\n'
mkdir "$M/fine"
[ "$(grep -c 'killed by signal 6' "$LOG")" = 3 ]
