#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# After umount nothing stays mounted where no instance runs; where one runs it goes on, and is found again.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
stop_instfs
start_instfs
assert_file "$I/c1/state" 'running\n'
echo 'stopped force' >"$I/c1/state"
stop_instfs
wait_for 15 eval "! grep -q ' $(run_dir)/lxc ' /proc/mounts"
start_instfs
echo running >"$I/c1/state"
assert_file "$I/c1/state" 'running\n'
