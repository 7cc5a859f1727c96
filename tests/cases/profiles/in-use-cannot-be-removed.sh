#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rmdir and rm -r of a profile in use are EBUSY and change nothing; renaming follows its users or is refused.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$M/profiles/p1"
echo 10 >"$M/profiles/p1/config/limits.processes"
make_instance c1
echo p1 >"$I/c1/profiles"
assert_fails EBUSY rmdir "$M/profiles/p1"
assert_error_matches "$M/profiles/p1/error" 'c1'
rm -rf "$M/profiles/p1" 2>/dev/null || true
sleep 1.3
assert_file "$M/profiles/p1/config/limits.processes" '10\n'
if mv "$M/profiles/p1" "$M/profiles/p2" 2>/dev/null; then
	assert_file "$I/c1/profiles" 'p2\n'
	assert_file "$I/c1/expanded/config/limits.processes" '10\n'
	echo default >"$I/c1/profiles"
	rmdir "$M/profiles/p2"
else
	assert_file "$I/c1/profiles" 'p1\n'
	echo default >"$I/c1/profiles"
	rmdir "$M/profiles/p1"
fi
