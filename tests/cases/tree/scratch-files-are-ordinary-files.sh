#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names that editors and tools use are private files, never interpreted, and renaming one over a key is one write.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
d=$I/c1/config
echo 64MiB >"$d/limits.memory"
for name in .limits.memory.swp limits.memory~ 4913 sedAbC123 XXabcdef tmpabcdef limits.memory.bak limits.memoryAhg5f9 limits.memory.lock '#limits.memory#' .ansible_tmpab12cd34limits.memory limits.memory20261120-19848-11b603q; do
	printf 'any\0bytes' >"$d/$name"
	assert_file "$d/$name" 'any\0bytes'
	ls -A "$d" | grep -qxF -e "$name" || fail "$name is not listed"
	rm "$d/$name"
	assert_missing "$d/$name"
done
"$SYS" open "$d/anything.at.all" wcx 600 , write '128MiB\n' , close
number=$(ino "$d/anything.at.all")
mv "$d/anything.at.all" "$d/limits.memory"
assert_file "$d/limits.memory" '128MiB\n'
assert_eq "$(ino "$d/limits.memory")" "$number" "inode number"
assert_eq "$(ls -A "$d")" limits.memory

# Where any name can be a value's, what was written beside one and takes its place is one.
"$SYS" open "$d/user.notes" wct , write 'one\n' , close
"$SYS" open "$d/user.notes.new-2" wct , write 'two\nlines\n' , close
mv "$d/user.notes.new-2" "$d/user.notes"
assert_file "$d/user.notes" 'two\nlines\n'
mv "$d/user.notes" "$d/user.other"
assert_file "$d/user.other" 'two\nlines\n'
assert_eq "$(ls -A "$d")" $'limits.memory\nuser.other'
assert_fails EOPNOTSUPP mv "$d/user.other" "$d/limits.cpu"
