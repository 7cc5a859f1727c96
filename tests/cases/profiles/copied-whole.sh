#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cp -r, cp -a, rsync -a and tar of a whole profile, used by instances, make an equal one that nobody uses.
. "$(dirname "$0")/../../lib/case.sh"

unused() { [ -z "$(ls -A "$P/$1/used_by")" ]; }
start_instfs
P=$M/profiles
mkdir "$P/a"
printf '# ours\nconfig: {limits.memory: 64MiB}\n' >"$P/a/config.yaml"
printf '# a comment\ntype=none\n' >"$P/a/devices/d0"
echo words >"$P/a/description"
assert_write_fails EINVAL "$P/a/config/limits.cpu" many
make_instance c1
printf 'default\na\n' >"$I/c1/profiles"
cp -r "$P/a" "$P/r"
cp -a "$P/a" "$P/p"
rsync -a "$P/a/" "$P/s"
rsync -a "$P/a/" "$P/s"
mkdir "$T/t"
tar -C "$P" -cf - a | tar -C "$T/t" -xf -
mv "$T/t/a" "$T/t/t"
tar -C "$T/t" -cf - t | tar -C "$P" -xf -
cp -r "$T/t/t" "$P/d"
for b in r p s t d; do
	diff -r -x config.yaml -x used_by -x error "$P/a" "$P/$b"
	grep -q '# ours' "$P/$b/config.yaml"
	wait_for 10 unused "$b"
	assert_file "$P/$b/error" ''
done
# For everybody else the files of a new profile are there.
mkdir "$P/n"
assert_fails EEXIST "$SYS" open "$P/n/description" wcx
assert_fails EEXIST mkdir "$P/n/config"
assert_fails EPERM "$SYS" symlink /etc/passwd "$P/n/used_by/x"
"$SYS" mkdir "$P/m" , open "$P/m/config/limits.cpu" wc , write '2\n' , close
assert_file "$P/m/config/limits.cpu" '2\n'
