#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Unlinks of fixed files without the final rmdir are forgotten; a key alone is unset.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
echo 1 >"$I/c1/config/limits.cpu"
rm -f "$I/c1/state" "$I/c1/description" "$I/c1/created" "$I/c1/usage/memory.current" || true
sleep 2
assert_file "$I/c1/state" 'stopped\n'
assert_exists "$I/c1/created"
assert_file "$I/c1/config/limits.memory" '64MiB\n'
rm "$I/c1/config/limits.cpu"
sleep 2
assert_missing "$I/c1/config/limits.cpu"
assert_file "$I/c1/config/limits.memory" '64MiB\n'
