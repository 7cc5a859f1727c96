#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# security.protection.start: neither a start nor a restart, and a restart does not stop it first.
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/keys.sh"

start_instfs
make_instance c1
echo true >"$I/c1/config/security.protection.start"
assert_fails EPERM "$SYS" open "$I/c1/state" w , write 'running\n'
assert_error_matches "$I/c1/error" 'security.protection.start'
assert_eq "$(cat "$I/c1/state")" stopped
unset_key c1 security.protection.start
echo running >"$I/c1/state"
echo true >"$I/c1/config/security.protection.start"
assert_fails EPERM "$SYS" open "$I/c1/state" w , write 'restarted force\n'
assert_eq "$(cat "$I/c1/state")" running
echo 'stopped force' >"$I/c1/state"
