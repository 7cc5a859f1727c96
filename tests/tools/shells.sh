#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Redirections of bash, dash, zsh, mksh and busybox sh, and of programs they start.
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/replay.sh"

replay_setup
for sh in bash dash zsh mksh 'busybox sh'; do
	command -v "${sh%% *}" >/dev/null || { echo "no $sh"; continue; }
	scenario "$sh echo >" key twice "$sh -c 'echo \"\$V\" >\"\$F\"'"
	scenario "$sh printf >" key 'twice nonewline silent' "$sh -c 'printf %s \"\$V\" >\"\$F\"'"
	scenario "$sh cat >" key twice "$sh -c 'cat \"\$N\" >\"\$F\"'"
	scenario "$sh echo > text" text twice "$sh -c 'echo \"\$V\" >\"\$F\"'"
done
scenario 'bash noclobber override' key twice "bash -c 'set -C; echo \"\$V\" >|\"\$F\"'"
scenario 'bash exec descriptor' key twice "bash -c 'exec 3>\"\$F\" && echo \"\$V\" >&3 && exec 3>&-'"
scenario 'bash pieces' key 'twice silent' "bash -c '{ printf \"\${V:0:2}\"; printf \"\${V:2}\\n\"; } >\"\$F\"'"
scenario 'bash group with children' key 'twice silent' "bash -c '{ /bin/true; echo \"\$V\"; /bin/true; } >\"\$F\"'"
scenario 'bash here document' key twice "bash -c 'cat >\"\$F\" <<<\"\$V\"'"
scenario 'xargs echo' key twice 'echo "$V" | xargs echo >"$F"'
scenario 'awk print >' key 'twice silent' 'awk -v v="$V" "BEGIN { print v > ENVIRON[\"F\"] }"'
scenario 'sed w' key 'twice silent' 'sed -n "w $F" "$N"'
scenario 'jq >' key twice 'jq -nr --arg v "$V" "\$v" >"$F"'
replayed
