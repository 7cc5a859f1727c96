#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Changing a limit of a running container, each kind, and a profile that many running containers use.
# needs: lxc
# timeout: 600
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/bench.sh"

lxc_ready
N=${CONTAINERS:-100} R=${ROUNDS:-201}
start_instfs
make_instance c1 running

# The peer: what the store costs alone, the same bytes written, synced and renamed into place.
store_cost() {
	"$PYTHON" - "$S" <<-'END'
		import os, sys, time
		d = os.open(sys.argv[1], os.O_RDONLY)
		times = []
		for i in range(101):
		    t = time.perf_counter()
		    f = os.open(sys.argv[1] + "/bench.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
		    os.write(f, b"x" * 2000)
		    os.fsync(f)
		    os.close(f)
		    os.rename(sys.argv[1] + "/bench.tmp", sys.argv[1] + "/bench")
		    os.fsync(d)
		    times.append((time.perf_counter() - t) * 1e6)
		print("%.0f" % sorted(times)[50])
	END
}

heading "a limit of a running container, median us" "store alone"
while read -r key a b; do
	echo "$b" >"$I/c1/config/$key" || continue
	read -r p50 _ < <("$LOOPS" write "$I/c1/config/$key" "$a" "$b" "$R")
	row "$key" "$p50" "$(store_cost)" "below 1000" 'o < 1000'
done <<'END'
limits.memory 128MiB 256MiB
limits.memory.enforce soft hard
limits.memory.swap true false
limits.cpu 1 2
limits.cpu.allowance 50% 25ms/100ms
limits.cpu.priority 5 10
limits.processes 100 200
limits.disk.priority 3 7
limits.hugepages.2MB 64MiB 128MiB
limits.kernel.core 0:4096 4096:4096
limits.memory.oom_priority 100 200
END

mkdir "$M/profiles/many"
for ((i = 2; i <= N; i++)); do
	make_instance "m$i"
	printf 'default\nmany\n' >"$I/m$i/profiles"
	echo running async >"$I/m$i/state"
	((i % 10)) || wait_for 30 eval "[ \"\$(cat '$I/m$i/state')\" = running ]"
done
printf 'default\nmany\n' >"$I/c1/profiles"
for ((i = 2; i <= N; i++)); do
	wait_for 60 eval "[ \"\$(cat '$I/m$i/state')\" = running ]"
done
heading "a profile of $N running containers, median ms" "one container"
while read -r key a b; do
	echo "$b" >"$M/profiles/many/config/$key"
	read -r p50 _ < <("$LOOPS" write "$M/profiles/many/config/$key" "$a" "$b" 21)
	echo >"$M/profiles/many/config/$key"
	echo "$b" >"$I/c1/config/$key"
	read -r one _ < <("$LOOPS" write "$I/c1/config/$key" "$a" "$b" 21)
	echo >"$I/c1/config/$key"
	row "$key" "$(awk -v v="$p50" 'BEGIN { printf "%.1f", v / 1000 }')" "$(awk -v v="$one" 'BEGIN { printf "%.2f", v / 1000 }')" \
		"below 200" 'o < 200'
done <<'END'
limits.processes 100 200
limits.memory 128MiB 256MiB
limits.cpu.allowance 50% 25ms/100ms
limits.cpu 1 2
END
benched
