#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# O_NONBLOCK and the word async return as soon as the request is accepted.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
mock_delay c1 1500
begin=${EPOCHREALTIME/./}
"$SYS" open "$I/c1/state" wn , write 'running\n' , close
[ $((${EPOCHREALTIME/./} - begin)) -lt 700000 ] || fail "O_NONBLOCK waited"
assert_file "$I/c1/state" 'starting\n'
wait_file 5 "$I/c1/state" running
mock_delay c1 1500
begin=${EPOCHREALTIME/./}
echo 'stopped async' >"$I/c1/state"
[ $((${EPOCHREALTIME/./} - begin)) -lt 700000 ] || fail "async waited"
assert_file "$I/c1/state" 'stopping\n'
wait_file 5 "$I/c1/state" stopped
assert_fails EINVAL "$SYS" open "$I/c1/state" w , write 'walking async\n'
