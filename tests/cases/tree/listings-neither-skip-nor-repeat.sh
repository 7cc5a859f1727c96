#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Readers of a directory in which others create and remove see what stays exactly once.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
"$PYTHON" - "$I/c1/config" <<'END'
import os, sys
d = sys.argv[1]
for i in range(400):
    open("%s/user.k%d" % (d, i), "w").write("%d\n" % i)
seen = []
with os.scandir(d) as it:
    for n, e in enumerate(it):
        seen.append(e.name)
        if n % 7 == 0 and e.name.startswith("user.k"):
            i = int(e.name[6:])
            if i % 2:
                os.unlink(d + "/" + e.name)
            open("%s/user.new%d" % (d, n), "w").write("x\n")
assert len(seen) == len(set(seen)), "repeated"
stay = {"user.k%d" % i for i in range(0, 400, 2)}
assert stay <= set(seen), sorted(stay - set(seen))[:5]
END
mkdir "$I/c1/config/.many"
for i in $(seq 1 60); do : >"$I/c1/config/.many/f$i"; done
busybox rm -rf "$I/c1/config/.many"
assert_missing "$I/c1/config/.many"
