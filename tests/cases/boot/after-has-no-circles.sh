#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# boot.after that leads back to its instance is refused where it is written: in a key, a document, a profile.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$M/profiles/p"
for c in a b c; do
	make_instance $c
done
echo b >"$I/a/config/boot.after"
echo 'c, nobody' >"$I/b/config/boot.after"
assert_write_fails EINVAL "$I/c/config/boot.after" a
assert_error_matches "$I/c/error" 'c would wait for itself: c starts after b after a after c|c starts after a after b after c'
assert_missing "$I/c/config/boot.after"
assert_write_fails EINVAL "$I/c/config/boot.after" C
assert_fails EINVAL "$SYS" open "$I/c/config.yaml" wt , write 'config: {boot.after: a}\n' , fsync
echo p >"$I/c/profiles"
assert_write_fails EINVAL "$M/profiles/p/config/boot.after" b
assert_error_matches "$M/profiles/p/error" 'instance c: .*wait for itself'
echo other >"$M/profiles/p/config/boot.after"
