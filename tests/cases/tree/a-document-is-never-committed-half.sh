#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Children that inherit the descriptor of a half-written device do not commit it.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
d=$I/c1/devices/d0
{ echo 'type=none'; /bin/true; (/bin/echo '# half'); cat "$d" 2>/dev/null >"$T/half" || true; echo 'name=x' >/dev/null; } >"$d"
assert_file "$T/half" ''
wait_for 3 grep -q half "$d"
assert_file "$d" 'type=none\n# half\n'
