#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Includes go downwards only and are written from the root.
. "$(dirname "$0")/lint.sh"

# One process for all files: each line is a part and the folders that it may include from.
product | xargs grep -nE '#[[:space:]]*include "' | awk -F: '
	BEGIN {
		allowed["fs"] = "^(fs|backends/core|backends/proc|mkimage)/"
		allowed["backends/core"] = "^backends/core/"
		allowed["backends/proc"] = "^backends/(proc|core)/"
		allowed["backends/lxc"] = "^backends/(lxc|network|core)/|^mkimage/"
		allowed["backends/network"] = "^backends/(network|core)/"
		allowed["backends/mock"] = "^backends/(mock|core)/|^mkimage/"
		allowed["backends/qemu"] = "^backends/(qemu|storage|proc|core)/|^mkimage/"
		allowed["backends/storage"] = "^backends/(storage|core)/|^mkimage/"
		allowed["mkimage"] = "^(mkimage|backends/core)/"
	}
	{
		split($1, dir, "/")
		part = dir[1] == "backends" ? dir[1] "/" dir[2] : dir[1]
		path = $0
		sub(/^[^"]*"/, "", path)
		sub(/".*/, "", path)
		if ((getline junk <path) < 0)
			print $1 ":" $2 ": \"" path "\" is not written from the root"
		close(path)
		if ($1 != "fs/main.c" && (!(part in allowed) || path !~ allowed[part]))
			print $1 ":" $2 ": " part " may not include " path
	}' >>"$OFFENCES"

# Libraries: FUSE belongs to fs, liblxc to the lxc backend, archives to mkimage.
product | grep -v '^fs/' | xargs grep -nE 'include <(fuse|fuse_lowlevel|fuse3/.*)\.h>' | while read -r l; do offence "$l: FUSE outside of fs"; done
product | grep -v '^backends/lxc/' | xargs grep -n 'include <lxc/' | while read -r l; do offence "$l: liblxc outside of its backend"; done
product | grep -v '^mkimage/' | xargs grep -nE 'include <archive(_entry)?\.h>' | while read -r l; do offence "$l: archives outside of mkimage"; done
verdict
