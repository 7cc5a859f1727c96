#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rm -r, find -delete and rmdir of a running container change nothing at all; removed when it is stopped, it leaves nothing in /run.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
echo 64MiB >"$I/c1/config/limits.memory"
snapshot_of "$I/c1" >"$T/before"
rm -rf "$I/c1" 2>/dev/null || true
find "$I/c1" -delete 2>/dev/null || true
assert_fails EBUSY rmdir "$I/c1"
sleep 1.5
snapshot_of "$I/c1" | diff "$T/before" -
assert_file "$I/c1/state" 'running\n'
assert_exists "$M/rootfs/c1/bin/busybox"
echo 'stopped force' >"$I/c1/state"
assert_exists "$(run_dir)/lxc/c1"
rmdir "$I/c1"
assert_missing "$(run_dir)/lxc/c1"
