#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cp -r, tar and rsync of config, devices, profiles and description into another instance.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
mkdir "$M/profiles/p1"
printf 'default\np1\n' >"$I/c1/profiles"
echo 64MiB >"$I/c1/config/limits.memory"
printf '2' >"$I/c1/config/limits.cpu"
printf '# a comment\ntype=none\n' >"$I/c1/devices/d0"
echo words >"$I/c1/description"
mkdir "$I/c2" "$I/c3" "$I/c4"
cp -r "$I/c1/config" "$I/c1/devices" "$I/c1/profiles" "$I/c1/description" "$I/c2/"
tar -C "$I/c1" -cf - config devices profiles description | tar -C "$I/c3" -xf -
rsync -a "$I/c1/config" "$I/c1/devices" "$I/c1/profiles" "$I/c1/description" "$I/c4/"
for c in c2 c3 c4; do
	for f in config/limits.memory config/limits.cpu devices/d0 description profiles; do
		cmp "$I/c1/$f" "$I/$c/$f"
	done
done
assert_eq "$(rsync -ai "$I/c1/config/" "$I/c4/config/")" "" "second rsync"
