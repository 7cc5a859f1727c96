#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A reader that sleeps through more than the log holds is told so, and never stalls the others.
# timeout: 150
. "$(dirname "$0")/../../lib/case.sh"

store_in_memory
start_instfs
make_instance c1
"$PYTHON" - "$M" <<'END'
import json, os, sys, time
m = sys.argv[1]
slow = os.open(m + "/events", os.O_RDONLY | os.O_NONBLOCK)
first = b""
try:
    first = os.read(slow, 100000)
except BlockingIOError:
    pass
key = m + "/instances/c1/config/user." + "k" * 110      # its name is in the event
begin = time.time()
text = "x"
n = 0
while os.stat(m + "/events.log").st_size < 1000000 and n < 12000:
    open(key, "w").write("%d %s\n" % (n, text))
    n += 1
for i in range(300):
    open(key, "w").write("again %d\n" % i)
data = b""
while True:
    try:
        more = os.read(slow, 1 << 16)
    except BlockingIOError:
        break
    if not more:
        break
    data += more
lines = [json.loads(l) for l in data.decode().splitlines() if l]
gaps = [e for e in lines if "gap" in json.dumps(e) or "lost" in json.dumps(e)]
seqs = [e["seq"] for e in lines if "seq" in e]
jump = any(b != a + 1 for a, b in zip(seqs, seqs[1:]))
print(n, "events, gap lines:", gaps[:1], "jump:", jump, "%.1f s" % (time.time() - begin))
assert gaps or jump or os.stat(m + "/events.log").st_size < (1 << 20)
END
