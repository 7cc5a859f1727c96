#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whatever walks over a running instance is refused as a whole, and nothing of it changed.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1 running
echo 64MiB >"$I/c1/config/limits.memory"
printf 'type=none\n' >"$I/c1/devices/d0"
snapshot_of "$I/c1" >"$T/before"
attempt() {
	timeout 30 "$@" >"$T/out" 2>&1 || true
	assert_exists "$I/c1/config/limits.memory"
	snapshot_of "$I/c1" >"$T/after"
	diff "$T/before" "$T/after" || fail "changed by: $*"
	assert_file "$I/c1/state" 'running\n'
}
assert_fails EBUSY rmdir "$I/c1"
assert_error_matches "$I/c1/error" 'running'
attempt rm -r "$I/c1"
attempt rm -rf "$I/c1"
attempt busybox rm -rf "$I/c1"
attempt find "$I/c1" -delete
attempt "$PYTHON" -c 'import shutil, sys; shutil.rmtree(sys.argv[1])' "$I/c1"
attempt perl -MFile::Path=remove_tree -e 'remove_tree($ARGV[0])' "$I/c1"
sleep 1.5
attempt true
echo 'stopped force' >"$I/c1/state"
rm -r "$I/c1"
