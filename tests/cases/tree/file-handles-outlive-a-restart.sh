#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A handle taken before opens the same file after kill -9, umount and mount; one of a removed key is stale.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
echo 1 >"$I/c1/config/limits.cpu"
"$SYS" handle "$I/c1/config/limits.memory" "$T/h1" || skip "no file handles: $("$SYS" handle "$I/c1/config/limits.memory" "$T/h1" 2>&1)"
"$SYS" handle "$I/c1/state" "$T/h2"
"$SYS" handle "$I/c1/config" "$T/h3"
"$SYS" handle "$I/c1/config/limits.cpu" "$T/h4"
read_handle() { "$SYS" openhandle "$M" "$1" , read 100; }
assert_eq "$(read_handle "$T/h1")" 64MiB
echo 2 >/proc/sys/vm/drop_caches || true
assert_eq "$(read_handle "$T/h1")" 64MiB
kill_server
echo 2 >/proc/sys/vm/drop_caches || true
assert_eq "$(read_handle "$T/h1")" 64MiB
rm "$I/c1/config/limits.cpu"
sleep 1.5
stop_instfs
start_instfs
assert_eq "$(read_handle "$T/h1")" 64MiB
assert_eq "$(read_handle "$T/h2")" stopped
"$SYS" openhandle "$M" "$T/h3" , fstat >/dev/null
mv "$I/c1" "$I/c2"
assert_eq "$(read_handle "$T/h1")" 64MiB
assert_fails ESTALE read_handle "$T/h4"
