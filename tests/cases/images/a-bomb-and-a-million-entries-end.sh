#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Archives that unfold without end stop at the limits, in bounded time and space, and leave nothing.
# needs: rootfs
# timeout: 170
. "$(dirname "$0")/../../lib/case.sh"

needs_root
mount -t tmpfs -o size=400m none "$S"
start_instfs
allow_log 'space|limit|unpack|image'
BOMB=$((3 << 30)) "$TESTS/lib/tarball.py" "$T/bomb.tar.gz" bomb
mkdir "$M/images/bomb"
assert_fails 'ENOSPC|EFBIG|EINVAL|E2BIG|EDQUOT' timeout 100 cp "$T/bomb.tar.gz" "$M/images/bomb/image"
[ -s "$M/images/bomb/error" ] || fail "no sentence"
wait_for 10 eval "[ \$(du -sm $S | cut -f1) -lt 60 ]"
ENTRIES=${ENTRIES:-150000} "$TESTS/lib/tarball.py" "$T/many.tar.gz" many
mkdir "$M/images/many"
timeout 100 cp "$T/many.tar.gz" "$M/images/many/image" 2>"$T/out" || [ -s "$M/images/many/error" ] || fail "no sentence"
assert_file "$I/../README" "$(cat "$M/README" | sed 's/\\/\\\\/g')\n"
rmdir "$M/images/many" "$M/images/bomb"
wait_for 30 eval "[ \$(du -sm $S | cut -f1) -lt 60 ]"
