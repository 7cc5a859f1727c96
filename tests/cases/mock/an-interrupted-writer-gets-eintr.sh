#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ctrl-C ends the waiting write at once with EINTR; the operation goes on. The end of a child ends no write, and hides no Ctrl-C.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
mock_delay c1 2500
cat >"$T/w.py" <<'END'
import os, signal, sys, time
for s in signal.SIGALRM, signal.SIGCHLD:
    signal.signal(s, lambda *a: None)
    signal.siginterrupt(s, True)
import ctypes
if not os.fork():
    time.sleep(0.1)
    os._exit(0)
libc = ctypes.CDLL(None, use_errno=True)
f = os.open(sys.argv[1], os.O_WRONLY)
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[3]))
begin = time.time()
n = libc.write(f, sys.argv[2].encode() + b"\n", len(sys.argv[2]) + 1)
print(n, ctypes.get_errno() if n < 0 else 0, "%.1f" % (time.time() - begin))
END
read -r n errno took < <("$PYTHON" "$T/w.py" "$I/c1/state" running 0.4)
assert_eq "$n $errno" "-1 4" "result of write"
assert_match "$took" '^0\.[3-9]'
assert_file "$I/c1/state" 'starting\n'
wait_file 60 "$I/c1/state" running
mock_delay c1 500
read -r n errno took < <("$PYTHON" "$T/w.py" "$I/c1/state" frozen 0)
assert_eq "$n $errno" "7 0" "result of a write during which a child ended"
assert_file "$I/c1/state" 'frozen\n'
mock_delay c1 2000
"$SYS" open "$I/c1/state" w , write 'stopped\n' &
w=$!
sleep 0.3
kill -KILL "$w"
wait "$w" 2>/dev/null || true
wait_file 5 "$I/c1/state" stopped
