#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots, profiles, images, devices and commands obey the one rule for names.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
long=$(printf 'a%.0s' $(seq 65))
for name in -a .a _a 'a b' $'a\nb' 'ä' "$long" '*' '@a'; do
	for dir in "$M/profiles" "$M/images" "$I/c1/snapshots"; do
		assert_fails 'EINVAL|ENAMETOOLONG|EPERM' mkdir "$dir/$name"
	done
done
for name in 'a b' $'a\nb' 'ä' '*'; do
	assert_fails 'EINVAL|ENAMETOOLONG|EPERM' "$SYS" open "$I/c1/devices/$name" wct , write 'type=none\n' , close
done
assert_fails 'EINVAL|EPERM' "$SYS" open "$I/c1/config/user." wct
assert_fails 'EINVAL|EPERM' "$SYS" open "$I/c1/config/environment.a=b" wct , write 'x\n'
assert_eq "$(ls -A "$M/images" | grep -v by-fingerprint || true)" ""
assert_eq "$(ls -A "$I/c1/snapshots")" ""
mkdir "$M/profiles/a.b_c-d+e@f"
