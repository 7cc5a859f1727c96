#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Making, listing and reading of very many instances works and stays fast; the daemon stays small.
# timeout: 170
. "$(dirname "$0")/../../lib/case.sh"

store_in_memory
start_instfs
n=${INSTANCES:-2000}
"$PYTHON" - "$I" "$n" <<'END'
import os, sys, time
d, n = sys.argv[1], int(sys.argv[2])
begin = time.time()
for i in range(n):
    os.mkdir("%s/c%d" % (d, i))
print("mkdir %.0f us each" % ((time.time() - begin) / n * 1e6))
begin = time.time()
assert len(os.listdir(d)) == n
print("listing %.1f ms" % ((time.time() - begin) * 1e3))
for i in range(0, n, 50):
    assert open("%s/c%d/state" % (d, i)).read() == "stopped\n"
END
stop_instfs
start_instfs
assert_eq "$(ls "$I" | wc -l)" "$n"
