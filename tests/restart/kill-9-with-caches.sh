#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Unlimited caches, and names that the daemon makes and removes by itself meanwhile: invalidations neither hang anybody nor are lost.
. "$(dirname "$0")/lib.sh"

export MEMFS_CACHE=1
start_instfs
memfs_load 150 60
sleep 0.3
for d in "$M"/w*; do
	shown=$(ls -U "$d")
	for f in $shown; do
		[ -e "$d/$f" ] || [ "${f#bg}" != "$f" ] || fail "$d/$f is listed and not there"
	done
done
