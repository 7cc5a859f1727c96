#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A value that one user's instance cannot take is refused for all, and error lists who refused.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$M/profiles/p1"
for c in c1 c2 c3; do
	make_instance $c running
	printf 'default\np1\n' >"$I/$c/profiles"
done
echo 100 >"$M/profiles/p1/config/limits.processes"
for c in c1 c2 c3; do
	assert_file "$I/$c/expanded/config/limits.processes" '100\n'
done
if [ "$BACKEND" = mock ]; then
	mock_fail c2 apply
	if ! "$SYS" open "$M/profiles/p1/config/limits.processes" wt , write '200\n' 2>"$T/out"; then
		assert_error_matches "$M/profiles/p1/error" 'c2'
		for c in c1 c2 c3; do
			assert_file "$I/$c/expanded/config/limits.processes" '100\n'
		done
		assert_file "$M/profiles/p1/config/limits.processes" '100\n'
	fi
fi
