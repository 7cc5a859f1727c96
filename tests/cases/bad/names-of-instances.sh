#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each bad shape of an instance name is refused with EINVAL or ENAMETOOLONG and a sentence; nothing is made.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
long=$(printf 'a%.0s' $(seq 64))
longest=$(printf 'a%.0s' $(seq 250))
for name in -a a- 'a b' $'a\nb' a.b a_b 12345 a@b 'ä' 'a/../b' '%41' "$long" '~a' '#a' $'\x7f' $'a\tb' 'a*'; do
	assert_fails 'EINVAL|ENAMETOOLONG|ENOENT|EPERM' mkdir "$I/$name"
	[ -s "$M/error" ] || fail "no sentence for $name"
	make_one=1
done
assert_fails ENAMETOOLONG mkdir "$I/${longest}${longest}"
assert_fails 'ENAMETOOLONG|EINVAL' mkdir "$I/$longest"
assert_fails 'EEXIST' mkdir "$I/."
assert_fails 'EEXIST' mkdir "$I/.."
for name in .git key.lock a~ .a; do
	assert_fails 'EINVAL|EPERM' mkdir "$I/$name"
done
assert_fails 'EPERM|EINVAL' "$SYS" open "$I/c2" wct
assert_fails 'EPERM|EINVAL|EOPNOTSUPP' ln -s c1 "$I/c2"
assert_eq "$(ls -A "$I")" ""
mkdir "$I/${long:1}"
rmdir "$I/${long:1}"
