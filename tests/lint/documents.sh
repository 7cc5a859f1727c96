#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What README.md and the pages in doc/ link to is there; every test says in its third line what it is about.
. "$(dirname "$0")/lint.sh"

for page in README.md doc/*.md; do
	[ -e "$page" ] || continue
	grep -noE '\]\([^)#]+' "$page" | sed 's/](//' | while IFS=: read -r line target; do
		case $target in
		http*) ;;
		*) [ -e "$(dirname "$page")/$target" ] || offence "$page:$line: $target does not exist" ;;
		esac
	done
done
for f in $(find tests/cases tests/tools tests/restart tests/nfs -name '*.sh' -not -name lib.sh -perm -u+x); do
	sed -n '3,4p' "$f" | grep -q '^# [^ ]' || offence "$f:3: does not say what it is about"
done
verdict
