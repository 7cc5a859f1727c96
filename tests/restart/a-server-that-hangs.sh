#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A server that does not answer is killed within the limit, and nobody notices more than the wait.
. "$(dirname "$0")/lib.sh"
allow_log 'did not answer'

start_instfs -o health=2
kill -STOP "$(server_pid)"
timeout 60 sh -c "echo content >'$M/file'"
assert_file "$M/file" 'content\n'
grep -q 'did not answer for 2 seconds' "$LOG"
