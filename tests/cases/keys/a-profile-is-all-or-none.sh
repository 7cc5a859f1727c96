#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A limit in a profile that one of its running containers cannot have is refused, and the groups of all are as before.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/keys.sh"

lxc_ready
start_instfs
mkdir "$M/profiles/p"
for i in a b c; do
	make_instance "$i"
	printf 'default\np\n' >"$I/$i/profiles"
	echo running >"$I/$i/state"
done
[ -n "$(group memory a)" ] || skip "no memory controller"
hard() { cat "$(group memory "$1")/memory.max" 2>/dev/null || cat "$(group memory "$1")/memory.limit_in_bytes"; }
echo 64MiB >"$M/profiles/p/config/limits.memory"
assert_eq "$(hard a) $(hard b) $(hard c)" "67108864 67108864 67108864"
# Memory that b cannot give back: its own processes' and a file system in memory.
run b 'mkdir -p /m; mount -t tmpfs none /m && dd if=/dev/zero of=/m/x bs=1M count=20 2>/dev/null' >/dev/null
before=$(mtime "$M/profiles/p/config/limits.memory")
assert_write_fails EBUSY "$M/profiles/p/config/limits.memory" 8MiB
assert_error_matches "$M/profiles/p/error" 'instance b: .*memory'
assert_eq "$(hard a) $(hard b) $(hard c)" "67108864 67108864 67108864"
assert_eq "$(cat "$M/profiles/p/config/limits.memory") $(mtime "$M/profiles/p/config/limits.memory")" "64MiB $before"
# What stands in the instance itself stays as it is there.
set_key b limits.memory 128MiB
echo 16MiB >"$M/profiles/p/config/limits.memory"
assert_eq "$(hard a) $(hard b) $(hard c)" "16777216 134217728 16777216"
