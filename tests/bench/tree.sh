#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Reading a tree of very many instances, beside the same tree on tmpfs: stat, find, ls -R, open+read+close, first run, memory, idle.
# timeout: 600
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/bench.sh"

N=${INSTANCES:-10000}
needs_root
mkdir "$T/tmpfs"
mount -t tmpfs -o size=8g,nr_inodes=0 none "$T/tmpfs"
start_instfs
echo "$N instances, mkdir: $("$LOOPS" mkdir "$I" c "$N") us each"
for ((i = 0; i < N; i += 10)); do
	echo 64MiB >"$I/c$i/config/limits.memory"
done
stop_instfs
start_instfs
listing=$(ms ls "$I")
rss=$(for p in $HOLDER $(pgrep -P "$HOLDER"); do awk '/^RssAnon/ { print $2 }' "/proc/$p/status" 2>/dev/null; done | awk '{ s += $1 } END { printf "%.1f", s / 1024 }')

first=$(ms "$LOOPS" list "$I" "$T/list")
files=$(wc -l <"$T/list")
"$LOOPS" stat "$T/list" "$I" >"$T/first-stat"
mkdir "$T/tmpfs/i"
"$LOOPS" clone "$T/list" "$I" "$T/tmpfs/i"
grep '^f c[0-9]*/config/\|^f c[0-9]*/description\|^f c[0-9]*/profiles' "$T/list" >"$T/configured"
peerlist=$(ms ls "$T/tmpfs/i")
peerfirst=$(ms "$LOOPS" list "$T/tmpfs/i" "$T/list2")
best() { for _ in 1 2 3; do "$@" | cut -d' ' -f1; done | sort -n | sed -n 2p; }

heading "$files entries, second run" tmpfs
row "stat of every entry, us" "$(best "$LOOPS" stat "$T/list" "$I")" "$(best "$LOOPS" stat "$T/list" "$T/tmpfs/i")" "0.8 of tmpfs" 'r >= 0.8'
row "find, ms" "$(median 3 find "$I")" "$(median 3 find "$T/tmpfs/i")" "0.7 of tmpfs" 'r >= 0.7'
row "ls -R, ms" "$(median 3 ls -R "$I")" "$(median 3 ls -R "$T/tmpfs/i")" "0.7 of tmpfs" 'r >= 0.7'
"$LOOPS" read "$T/configured" "$I" >/dev/null
row "open+read+close of a configured file, us" "$(best "$LOOPS" read "$T/configured" "$I")" "$(best "$LOOPS" read "$T/configured" "$T/tmpfs/i")" "at most 15" 'o <= 15'
heading "first run" tmpfs
row "find with stat, us an entry" "$(awk -v f="$first" -v n="$files" '{ printf "%.1f", f * 1000 / n + $1 }' "$T/first-stat")" \
	"$(awk -v f="$peerfirst" -v n="$files" 'BEGIN { printf "%.1f", f * 1000 / n }')" "at most 60" 'o <= 60'
row "ls instances, ms" "$listing" "$peerlist" "below 30" 'o < 30'
row "memory of the daemon after mounting, MB" "$rss" - "below 40" 'o < 40'
rss=$(for p in $HOLDER $(pgrep -P "$HOLDER"); do awk '/^RssAnon/ { print $2 }' "/proc/$p/status" 2>/dev/null; done | awk '{ s += $1 } END { printf "%.1f", s / 1024 }')
row "memory after everything was read, MB" "$rss" - "no figure" 1

if command -v strace >/dev/null; then
	sleep 12	# the holder asks for the health of a server that had requests twice more
	pids=$(pgrep -P "$HOLDER" | tr '\n' ' ')
	# What is seen in the first second is the attaching itself.
	(timeout 11 strace -f -ttt $(for p in $HOLDER $pids; do printf -- '-p %s ' "$p"; done) -o "$T/strace" >/dev/null 2>&1 || true)
	awk 'NR == 1 { t = $2 } $2 > t + 1 && $2 < t + 10.5' "$T/strace" >"$T/woken"
	calls=$(wc -l <"$T/woken")
	head -5 "$T/woken"
	row "system calls in 10 s of idling" "$calls" - "none" 'o == 0'
fi
benched
