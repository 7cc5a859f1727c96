#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The very bytes come back, with and without a newline, in whatever spelling.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
f=$I/c1/config/limits.memory
for v in '256MiB\n' '256MiB' '0268435456\n' '256M\n' ' 256MiB\n' '25%'; do
	printf "$v" >"$f" 2>/dev/null || continue
	assert_file "$f" "$v"
done
printf 'a  b\tc \xc3\xa4' >"$I/c1/description"
assert_file "$I/c1/description" 'a  b\tc \xc3\xa4'
printf 'x' >"$I/c1/config/user.note"
assert_file "$I/c1/config/user.note" 'x'
stop_instfs
start_instfs
assert_file "$I/c1/description" 'a  b\tc \xc3\xa4'
assert_file "$I/c1/config/user.note" 'x'
