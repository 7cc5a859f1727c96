#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# boot.after that leads back to its instance is refused where it is written: in a key, a document, a profile. Names in it follow renames.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$M/profiles/p"
for c in a b c; do
	make_instance $c
done
# While nobody waits, that is remembered; who begins to is followed all the same.
mv "$I/c" "$I/x"
mv "$I/x" "$I/c"
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
# Renaming: keys, documents, profiles and what is in the trash follow; names that only begin alike stay, and so do those of the removed.
echo nobody >"$I/a/config/boot.after"
make_instance d
echo 'A,  cc c' >"$I/d/config/boot.after"
rmdir "$I/d"
printf '# mine\nconfig:\n  boot.after: aa, a # first\n' >"$M/profiles/p/config.yaml"
mv "$I/a" "$I/e"
assert_file "$M/profiles/p/config/boot.after" 'aa, e\n'
assert_match "$(cat "$M/profiles/p/config.yaml")" '# mine'
mv "$I/c" "$I/f"
assert_file "$I/b/config/boot.after" 'f, nobody\n'
mv "$M"/trash/d@* "$I/d"
assert_file "$I/d/config/boot.after" 'e,  cc f\n'
rmdir "$I/e"
assert_file "$I/d/config/boot.after" 'e,  cc f\n'
