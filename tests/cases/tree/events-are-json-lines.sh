#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each change is a line with the next sequence number; a reader that waits gets it, and O_NONBLOCK gives EAGAIN.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
background timeout 60 cat "$M/events" >"$T/stream"
sleep 0.2
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
echo running >"$I/c1/state"
wait_for 5 grep -q started "$T/stream"
kill "$BG"
wait "$BG" || true
"$PYTHON" - "$M/events.log" "$T/stream" <<'END'
import json, sys
for name in sys.argv[1:]:
    last = None
    for line in open(name):
        e = json.loads(line)
        assert last is None or e["seq"] == last + 1, (name, last, e)
        assert "time" in e and "type" in e, e
        last = e["seq"]
    assert last, name
END
grep -q '"name":"c1"' "$M/events.log"
assert_fails 'EAGAIN' "$SYS" open "$M/events" rn , read 1000000 , read 100
