#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Includes go downwards only and are written from the root.
. "$(dirname "$0")/lint.sh"

# allowed PART: the folders that it may include from, as a regular expression.
allowed() {
	case $1 in
	fs) echo '^(fs|backends/core|backends/proc|mkimage)/' ;;
	backends/core) echo '^backends/core/' ;;
	backends/proc) echo '^backends/(proc|core)/' ;;
	backends/lxc | backends/mock | backends/storage) echo "^($1|backends/core|mkimage)/" ;;
	mkimage) echo '^(mkimage|backends/core)/' ;;
	esac
}

while IFS=: read -r file line text; do
	path=$(sed -n 's/.*#[[:space:]]*include "\([^"]*\)".*/\1/p' <<<"$text")
	case $file in
	backends/*) part=$(cut -d/ -f1,2 <<<"$file") ;;
	*) part=${file%%/*} ;;
	esac
	[ -e "$path" ] || offence "$file:$line: \"$path\" is not written from the root"
	[ "$file" = fs/main.c ] && continue
	grep -qE "$(allowed "$part")" <<<"$path" || offence "$file:$line: $part may not include $path"
done < <(product | xargs grep -nE '#[[:space:]]*include "')

# Libraries: FUSE belongs to fs, liblxc to the lxc backend, archives to mkimage.
product | grep -v '^fs/' | xargs grep -nE 'include <(fuse|fuse_lowlevel|fuse3/.*)\.h>' | while read -r l; do offence "$l: FUSE outside of fs"; done
product | grep -v '^backends/lxc/' | xargs grep -n 'include <lxc/' | while read -r l; do offence "$l: liblxc outside of its backend"; done
product | grep -v '^mkimage/' | xargs grep -nE 'include <archive(_entry)?\.h>' | while read -r l; do offence "$l: archives outside of mkimage"; done
verdict
