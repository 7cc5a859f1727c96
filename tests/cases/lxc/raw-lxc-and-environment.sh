#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# raw.lxc reaches liblxc, environment.* reaches init; a bad raw.lxc is told with liblxc's words.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1
echo hello >"$I/c1/config/environment.GREETING"
echo 'lxc.uts.name = other-name' >"$I/c1/config/raw.lxc"
echo running >"$I/c1/state"
pid=$(cat "$I/c1/runtime/pid")
tr '\0' '\n' <"/proc/$pid/environ" | grep -qx GREETING=hello || fail "not in init's environment"
mkdir "$I/c1/exec/a"
echo 'hostname; echo $GREETING' >"$I/c1/exec/a/command"
timeout 60 cat "$I/c1/exec/a/wait" >/dev/null
assert_file "$I/c1/exec/a/stdout" 'other-name\nhello\n'
echo 'lxc.uts.name = later' >"$I/c1/config/raw.lxc"
assert_match "$(cat "$I/c1/runtime/pending")" 'raw.lxc'
echo 'stopped force' >"$I/c1/state"
if "$SYS" open "$I/c1/config/raw.lxc" wt , write 'lxc.nonsense = 1\n' , fsync 2>/dev/null; then
	assert_fails 'EINVAL|EIO|ENOENT' "$SYS" open "$I/c1/state" w , write 'running\n'
fi
assert_error_matches "$I/c1/error" 'nonsense|raw.lxc'
