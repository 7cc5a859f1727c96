#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Writing what is already there moves neither mtime nor ctime nor inode, and tells nobody.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 256MiB >"$I/c1/config/limits.memory"
echo text >"$I/c1/description"
for f in config/limits.memory description profiles; do
	before=$(stat -c '%i %.9Y %.9Z' "$I/c1/$f")
	events=$(size "$M/events.log")
	sleep 0.02
	cat "$I/c1/$f" >"$T/copy"
	cat "$T/copy" >"$I/c1/$f"
	assert_eq "$(stat -c '%i %.9Y %.9Z' "$I/c1/$f")" "$before" "stat of $f"
	assert_eq "$(size "$M/events.log")" "$events" "size of the event log after $f"
done
