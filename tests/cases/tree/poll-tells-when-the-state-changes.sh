#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# poll on state sleeps until the state changes, then wakes at once; no wakeup without a change.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
"$PYTHON" - "$I/c1/state" <<'END'
import os, select, subprocess, sys, time
f = os.open(sys.argv[1], os.O_RDONLY)
os.read(f, 100)
p = select.poll()
p.register(f, select.POLLPRI | select.POLLERR)
begin = time.time()
p.poll(0)
assert p.poll(300) == [], "woken without a change"
w = subprocess.Popen(["sh", "-c", "sleep 0.3; echo running >" + sys.argv[1]])
got = p.poll(5000)
took = time.time() - begin
w.wait()
assert got, "not woken"
deadline = time.time() + 3
while os.pread(f, 100, 0) != b"running\n" and time.time() < deadline:
    p.poll(500)
assert os.pread(f, 100, 0) == b"running\n", os.pread(f, 100, 0)
END
