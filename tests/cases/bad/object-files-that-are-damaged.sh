#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A truncated or nonsensical object.json spoils that object only; the others work.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
make_instance c2
make_instance c3
stop_instfs
allow_log 'c1|c3|object'
: >"$S/instances/c1/object.json"
echo '{"nonsense": [' >"$S/instances/c3/object.json"
mkdir "$S/instances/c4"
start_instfs
assert_file "$I/c2/state" 'stopped\n'
ls -l "$I" >/dev/null || true
cat "$I/c1/state" >/dev/null 2>&1 || true
make_instance c5
assert_file "$I/c5/state" 'stopped\n'
