#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Deleting a large snapshot is an operation: it shows its progress, holds up nobody, and goes on in the next server.
# needs: rootfs
# timeout: 200
. "$(dirname "$0")/../../lib/case.sh"

needs_root
start_instfs
make_instance c1
make_instance c2
# Upper layers are written where they lie: 20 directories of 1,000 files.
"$PYTHON" - "$M/rootfs/c1" <<'END'
import os, sys
for d in range(20):
    p = "%s/d%d" % (sys.argv[1], d)
    os.mkdir(p)
    fd = os.open(p, os.O_RDONLY)
    os.mknod(p + "/f", 0o644)
    for i in range(999):
        os.link(p + "/f", p + "/f%d" % i)
END
mkdir "$I/c2/snapshots/s"
# Taking it, too, shows how far it is, in bytes.
background mkdir "$I/c1/snapshots/s"
wait_for 60 eval 'pkill -STOP -x cp -P "$(server_pid)"'
wait_for 10 grep -qE 'copying files, [0-9]+ MiB of [0-9]+ MiB' "$I/c1/progress"
pkill -CONT -x cp -P "$(server_pid)"
wait "$BG"
background rmdir "$I/c1/snapshots/s"
for i in $(seq 1 12); do background stat "$I/c1/snapshots"; done >"$T/stats"
kill_server
wait_for 60 test ! -e "$I/c1/snapshots/s"
wait_for 5 eval "! kill -0 ${BACKGROUND[0]} 2>/dev/null"
wait "${BACKGROUND[0]}"
assert_missing "$M/rootfs/c1@s"
wait_for 60 eval "[ -z \"\$(ls -A $S/instances/c1/snapshots)\" ]"
assert_file "$I/c1/progress" ''
# What is in the trash goes for ever without anybody waiting for it, whatever becomes of the server.
rmdir "$I/c1"
rmdir "$M"/trash/c1@*
kill_server
wait_for 60 eval "[ -z \"\$(ls -A $S/trash)\" ]"
rmdir "$I/c2/snapshots/s"
assert_fails ENOENT rmdir "$I/c2/snapshots/s"
