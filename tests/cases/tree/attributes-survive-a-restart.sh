#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inode, mtime, mode and owner are the same after umount and mount, and after kill -9 of the server.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 256MiB >"$I/c1/config/limits.memory"
echo text >"$I/c1/description"
chmod 640 "$I/c1/config/limits.memory"
[ "$(id -u)" != 0 ] || chown 12:34 "$I/c1/description"
touch -d '2020-02-03 04:05:06' "$I/c1/config"
list() { find "$M" -mindepth 1 -not -path '*/usage*' -not -path '*/runtime*' -not -name events.log -not -name metrics -printf '%p %i %m %U %G %T@\n' | sort; }
list >"$T/before"
kill_server
list >"$T/killed"
diff "$T/before" "$T/killed"
stop_instfs
start_instfs
list >"$T/after"
diff "$T/before" "$T/after"
