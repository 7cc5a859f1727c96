# SPDX-License-Identifier: LGPL-2.1-or-later
# For tests of takeover: the small file system of memfs.c instead of instfs (set REAL=1 before for the real one), and load.c.
# What tests of takeover share.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/case.sh"
needs_root
LOADER=$BUILDS/build-normal/restart-load
if [ -z "${REAL:-}" ]; then
	INSTFS=$BUILDS/build-normal/restart-memfs
else
	INSTFS=$BUILDS/build-normal/instfs
fi
[ -x "$LOADER" ] || skip "$LOADER is not built"
allow_log 'the server (was killed|died|ended)|holder was killed'

# Any process of this mount with that internal command.
internal() {
	pgrep -f -- "--internal-$1 [a-z-]* $M\$"
}

# load KILLS INTERVAL-MS [OPTIONS]: for memfs. Longer with RESTART_KILLS=N.
load() {
	local n=${RESTART_KILLS:-$1} ms=$2
	shift 2
	timeout 280 "$LOADER" -m "$M" -n "$n" -i "$ms" "$@"
}
memfs_load() {
	load "$@" -p "$M/event" -s "$M/slow"
}

# After the first holder was killed: unmounts, and waits for the end of whoever took its place.
stop_revived() {
	wait "$HOLDER" 2>/dev/null || true
	HOLDER=
	wait_for 5 umount "$M"	# the poker may be at work there
	wait_for 20 no_process
}
no_process() {
	! internal server && ! internal holder
}
