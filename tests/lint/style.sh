#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# First lines, indentation, line length, forbidden words, no paths of one machine.
. "$(dirname "$0")/lint.sh"

# Every C file, in one process each for what needs tabs expanded and what does not.
C=$({ product; find tests -name '*.[ch]' -type f; } | sort)
awk 'function first() { return FILENAME ~ /\.c$/ ? "// SPDX-License-Identifier: LGPL-2.1-or-later" :
						     "/* SPDX-License-Identifier: LGPL-2.1-or-later */" }
	function columns(s,   n, i, c) { for (i = 1; i <= length(s); i++) { c = substr(s, i, 1); n = c == "\t" ? n + 8 - n % 8 : n + 1 } return n }
	FNR == 1 { max = FILENAME ~ /^tests\// ? 200 : 142; if ($0 != first()) print FILENAME ":1: SPDX line" }
	length($0) > max { print FILENAME ":" FNR ": " length($0) " characters" }
	length($0) > max / 3 && /\t/ && columns($0) > max + 6 { print FILENAME ":" FNR ": " columns($0) " columns" }
	/[ \t]$/ { print FILENAME ":" FNR ": blanks at the end" }
	/^    / && !/^ +\*/ { print FILENAME ":" FNR ": indented by blanks" }' $C >>"$OFFENCES"
tail -qc 1 $C | tr -d '\n' | grep -q . && offence "a file without newline at its end: $(for f in $C; do [ -z "$(tail -c 1 "$f")" ] || echo "$f"; done)"
awk 'FNR == 1 { if (f && !seen) print f ":1: SPDX line"; f = FILENAME; seen = 0 }
	FNR <= 3 && /SPDX-License-Identifier: LGPL-2.1-or-later/ { seen = 1 }
	END { if (f && !seen) print f ":1: SPDX line" }' $(everything | grep -E '\.(sh|py|cmake)$|/run$') CMakeLists.txt >>"$OFFENCES"
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
