#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ctrl-C ends the waiting write at once with EINTR; the operation goes on.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
mock_delay c1 2500
cat >"$T/w.py" <<'END'
import os, signal, sys, time
signal.signal(signal.SIGALRM, lambda *a: None)
signal.siginterrupt(signal.SIGALRM, True)
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
f = os.open(sys.argv[1], os.O_WRONLY)
signal.setitimer(signal.ITIMER_REAL, 0.4)
begin = time.time()
n = libc.write(f, b"running\n", 8)
print(n, ctypes.get_errno() if n < 0 else 0, "%.1f" % (time.time() - begin))
END
read -r n errno took < <("$PYTHON" "$T/w.py" "$I/c1/state")
assert_eq "$n $errno" "-1 4" "result of write"
assert_match "$took" '^0\.[3-9]'
assert_file "$I/c1/state" 'starting\n'
wait_file 5 "$I/c1/state" running
mock_delay c1 2000
"$SYS" open "$I/c1/state" w , write 'stopped\n' &
w=$!
sleep 0.3
kill -KILL "$w"
wait "$w" 2>/dev/null || true
wait_file 5 "$I/c1/state" stopped
