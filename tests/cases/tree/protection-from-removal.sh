#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# security.protection.delete makes every removal fail with EPERM, and nothing changes.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo true >"$I/c1/config/security.protection.delete"
echo 64MiB >"$I/c1/config/limits.memory"
snapshot_of "$I/c1" >"$T/before"
assert_fails EPERM rmdir "$I/c1"
for c in 'rm -rf' 'busybox rm -rf' 'find'; do
	$c "$I/c1" $([ "$c" != find ] || echo -delete) >/dev/null 2>&1 || true
	sleep 0.2
	snapshot_of "$I/c1" >"$T/after"
	diff "$T/before" "$T/after" || fail "changed by $c"
done
sleep 1.5
snapshot_of "$I/c1" | diff "$T/before" -
echo false >"$I/c1/config/security.protection.delete"
rm -r "$I/c1"
