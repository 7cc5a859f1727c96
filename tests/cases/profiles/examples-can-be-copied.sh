#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The profiles in examples/ are taken as they are, and read back so.
. "$(dirname "$0")/../../lib/case.sh"

needs_root
start_instfs
for f in "$SOURCE"/examples/profiles/*.yaml; do
	p=$M/profiles/$(basename "$f" .yaml)
	mkdir -p "$p"
	cp "$f" "$p/config.yaml"
	cmp "$f" "$p/config.yaml"
done
make_instance c1
printf 'default\ndocker\n' >"$I/c1/profiles"
assert_file "$I/c1/expanded/config/security.nesting" 'true\n'
grep -qx 'parent=br0' "$I/c1/expanded/devices/eth0"
