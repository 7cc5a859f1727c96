#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tree exported by a user-space NFS server, in a network namespace of its own: list, read, write by NFSv4, over kill -9.
# serial
# timeout: 120
. "$(dirname "$0")/../lib/case.sh"

needs_root
needs_program ganesha.nfsd nfs-ls nfs-cat nfs-cp ip
if [ -n "${NFS_PLAIN:-}" ]; then
	kill_server() { :; }
	mkdir -p "$I/c1/config"
	echo stopped >"$I/c1/state"
	echo 64MiB >"$I/c1/config/limits.memory"
else
	start_instfs -o allow_other
	make_instance c1
	echo 64MiB >"$I/c1/config/limits.memory"
fi
cat >"$T/ganesha.conf" <<END
NFS_CORE_PARAM { Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; mount_path_pseudo = true; NFS_Port = 2049; }
NFSv4 { Graceless = true; Only_Numeric_Owners = true; RecoveryBackend = "fs"; RecoveryRoot = "$T/recovery"; }
EXPORT_DEFAULTS { Attr_Expiration_Time = 0; }
EXPORT { Export_Id = 1; Path = "$M"; Pseudo = "/t"; Access_Type = RW; Squash = No_Root_Squash; SecType = sys; Filesystem_Id = 7.7; FSAL { Name = VFS; } }
LOG { Default_Log_Level = WARN; }
END
mkdir -p "$T/recovery"
background unshare -n sleep 120
ns=$BG
wait_for 5 eval "[ \"\$(readlink /proc/$ns/ns/net)\" != \"\$(readlink /proc/self/ns/net)\" ]"
inside() { nsenter --net="/proc/$ns/ns/net" "$@"; }
inside ip link set lo up
background nsenter --net="/proc/$ns/ns/net" ganesha.nfsd -F -L "$T/ganesha.log" -f "$T/ganesha.conf" -p "$T/ganesha.pid"
url() { echo "nfs://127.0.0.1/t$1?version=4&uid=0&gid=0"; }
for _ in $(seq 60); do
	inside timeout 5 nfs-ls "$(url /instances)" >"$T/ls" 2>"$T/err" && break
	kill -0 "$BG" 2>/dev/null || break
	sleep 0.5
done
grep -q c1 "$T/ls" || { tail -5 "$T/ganesha.log" "$T/err"; skip "the NFS server does not export here"; }
assert_eq "$(inside timeout 10 nfs-cat "$(url /instances/c1/config/limits.memory)")" 64MiB
kill_server
assert_eq "$(inside timeout 10 nfs-cat "$(url /instances/c1/config/limits.memory)")" 64MiB
echo 100 >"$T/value"
inside timeout 10 nfs-cp "$T/value" "$(url /instances/c1/config/limits.processes)" >"$T/out" 2>&1 || { cat "$T/out"; fail "could not write over NFS"; }
wait_file 5 "$I/c1/config/limits.processes" 100
echo running >"$I/c1/state"
assert_eq "$(inside timeout 10 nfs-cat "$(url /instances/c1/state)")" "$(cat "$I/c1/state")"
