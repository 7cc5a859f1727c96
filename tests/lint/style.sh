#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# First lines, indentation, line length, forbidden words, no paths of one machine.
. "$(dirname "$0")/lint.sh"

for f in $(product; find tests -name '*.[ch]'); do
	first=$(head -n 1 "$f")
	case $f in
	*.c) [ "$first" = '// SPDX-License-Identifier: LGPL-2.1-or-later' ] || offence "$f:1: SPDX line" ;;
	*.h) [ "$first" = '/* SPDX-License-Identifier: LGPL-2.1-or-later */' ] || offence "$f:1: SPDX line" ;;
	esac
	case $f in tests/*) max=200 ;; *) max=142 ;; esac
	expand -t 8 "$f" | awk -v f="$f" -v max=$max 'length($0) > max + 6 { print f ":" NR ": " length($0) " columns" }' >>"$OFFENCES"
	awk -v f="$f" -v max=$max 'length($0) > max { print f ":" NR ": " length($0) " characters" }
		/[ \t]$/ { print f ":" NR ": blanks at the end" }
		/^    / && !/^ +\*/ { print f ":" NR ": indented by blanks" }' "$f" >>"$OFFENCES"
	[ -z "$(tail -c 1 "$f")" ] || offence "$f: no newline at the end"
done
for f in $(everything | grep -E '\.(sh|py|cmake)$|/run$') CMakeLists.txt; do
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: LGPL-2.1-or-later' || offence "$f:1: SPDX line"
done
for f in $(everything | grep -E 'tests/(cases|tools|restart|nfs)/.*\.sh$|tests/lint/[a-km-z-].*\.sh$|examples/.*\.sh$'); do
	[ -x "$f" ] || offence "$f: no run bit"
done

# Work that was left lying, and places of one machine; the patterns are split so that they do not find themselves.
everything | xargs grep -nIwE 'TO''DO|FIX''ME|XX''X|HA''CK' | while read -r l; do offence "$l: unfinished"; done
product | xargs grep -niE 'not ''implemented|not yet ''implemented' | while read -r l; do offence "$l: unfinished"; done
everything | xargs grep -nIE '/wor''k/(main|shared)|/roo''t/\.|/tmp/bas''h_' | while read -r l; do offence "$l: path of one machine"; done
product | grep -E '/(util|utils|common|misc|helpers)\.[ch]$' | while read -r f; do offence "$f: says nothing about what it holds"; done
product | xargs grep -nE '\btypedef[[:space:]]+struct' | while read -r l; do offence "$l: typedef of a struct"; done
product | grep -vE '^(fs/main|mkimage/(main|unpacker)|backends/lxc/helper[a-z_]*|fs/holder[a-z_]*)\.c$' |
	xargs grep -nE '\b(abort|exit|assert)[[:space:]]*\(' | grep -vE '_exit|^[^:]*:[0-9]*:[[:space:]]*(/?\*|//)|static_assert|_Static_assert' |
	while read -r l; do offence "$l: ends the process"; done
verdict
