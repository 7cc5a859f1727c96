#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# clang-tidy with the checks of .clang-tidy over the product's files, two at once, and what does not fit into the time is named.
# timeout: 500
. "$(dirname "$0")/lint.sh"
command -v clang-tidy >/dev/null || { echo "skipped: clang-tidy is not installed"; exit 77; }
builds=${INSTFS_BUILD_ROOT:-.}/build-normal
[ -e "$builds/compile_commands.json" ] || { echo "skipped: no build with compile_commands.json"; exit 77; }

# Newest first: what was changed last is looked at for certain.
product | grep '\.c$' | xargs ls -t >"$OFFENCES.files"
end=$((SECONDS + 360))
export builds end
xargs -P 2 -n 4 bash -c '[ "$SECONDS" -lt 360 ] && timeout 200 clang-tidy --quiet -p "$builds" "$@" 2>/dev/null || true' tidy <"$OFFENCES.files" |
	grep -E '(warning|error):' | sed "s|^$PWD/||" >>"$OFFENCES"
rm -f "$OFFENCES.files"
verdict
