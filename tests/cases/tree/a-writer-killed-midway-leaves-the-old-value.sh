#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Half of a value from a process that was killed is not taken.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
printf 'type=none\n# old\n' >"$I/c1/devices/d0"
echo 64MiB >"$I/c1/config/limits.memory"
background "$SYS" open "$I/c1/config/limits.memory" wt , write '1' , sleep 20000
first=$BG
background "$SYS" open "$I/c1/devices/d0" wt , write 'type=no' , sleep 20000
sleep 0.3
kill -KILL "$first" "$BG"
wait "$first" "$BG" || true
sleep 0.5
assert_file "$I/c1/devices/d0" 'type=none\n# old\n'
case $(cat "$I/c1/config/limits.memory") in
64MiB | 1) ;;
*) fail "limits.memory is $(cat "$I/c1/config/limits.memory")" ;;
esac
