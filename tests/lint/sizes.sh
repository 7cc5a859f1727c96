#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Files up to 600 lines, functions up to 100, and 95 % of the functions up to 60.
. "$(dirname "$0")/lint.sh"
command -v ctags >/dev/null || { echo "skipped: ctags is not installed"; exit 77; }

product | xargs wc -l | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }' >>"$OFFENCES"
lengths=$(product | grep '\.c$' | xargs ctags -x --c-kinds=f --fields=+ne --_xformat='%{end} %n %F %N' |
	awk '{ print $1 - $2 + 1, $3 ":" $2, $4 }' | sort -n)
awk '$1 > 100 { print $2 ": " $3 "() has " $1 " lines" }' <<<"$lengths" >>"$OFFENCES"
awk '{ l[NR] = $1 } END { i = int(NR * 0.95); if (i && l[i] > 60) print "95 % of the functions go up to " l[i] " lines, not 60"
	printf "functions: %d, median %d, 95 %% %d, longest %d lines\n", NR, l[int((NR + 1) / 2)], l[i], l[NR] > "/dev/stderr" }' \
	<<<"$lengths" >>"$OFFENCES"
verdict
