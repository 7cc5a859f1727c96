# SPDX-License-Identifier: LGPL-2.1-or-later
# Replays edits of real tools on a key, a device, a document and a description: each with a good value, once more with the same, and with
# a bad one. After case.sh; scripts in tests/tools call `scenario` for each edit and `replayed` at the end.
#
# scenario NAME KIND FLAGS COMMAND: the shell command gets F (the file), D (its directory), B (its name), V (the value to set, as text),
# N (a file elsewhere that holds V with a newline), OLD (the value before). KIND is key, device, document or text.
# FLAGS: `twice` the second run must change nothing at all; `rewrites` it may move mtime; `silent` exits 0 even when refused;
# `nonewline` the result has no newline; `fails` exits non-zero even on success; `stays=GLOB` leaves these scratch files;
# `nobad` has no bad value; `own`: own_want VALUE prints the result.
# SAYS_UNCHANGED: what the second run prints, when the tool tells.

KEY_OLD=64MiB KEY_GOOD=128MiB KEY_BAD=lots
SAYS_UNCHANGED=
TEXT_OLD='alpha text' TEXT_GOOD='beta text' TEXT_BAD=$'\xff\xfe'
SEEN=0 WRONG=0

wrong() {
	echo "$NAME: $*"
	WRONG=$((WRONG + 1))
}

# REPLAY_PLAIN=1 replays on an ordinary directory, without bad values: a check of the scenarios themselves.
replay_setup() {
	if [ -n "${REPLAY_PLAIN:-}" ]; then
		mkdir -p "$I/c1/config" "$I/c1/devices"
	else
		start_instfs
		make_instance c1
	fi
	mkdir -p "$T/home" "$T/out"
	export HOME=$T/home
}

# The file as it is before each edit, with nothing else in its directory. Sets F D B OLD.
prepare() {
	local left
	case $KIND in
	key) F=$I/c1/config/limits.memory OLD="$KEY_OLD\n" ;;
	device) F=$I/c1/devices/eth0 OLD='type=nic\nnictype=bridged\nparent=br0\n' ;;
	document) F=$I/c1/config.yaml OLD="# ours\nconfig:\n  limits.memory: $KEY_OLD # not more\n" ;;
	text) F=$I/c1/description OLD="$TEXT_OLD\n" ;;
	esac
	D=$(dirname "$F") B=$(basename "$F")
	for left in $(beside); do
		rm -rf "${D:?}/$left"
	done
	printf '%b' "$OLD" >"$T/old"
	cp "$T/old" "$F"
	settle "$T/old" || { wrong "could not be prepared: $(cat "$F")"; return 1; }
}

# settle FILE: the release that follows the last close is asynchronous, an unlinked key waits for its successor.
settle() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
		cmp -s "$1" "$F" && return 0
		sleep 0.1
	done
	return 1
}

has() { [[ " $FLAGS " == *" $1 "* ]]; }

# once VALUE: runs the command; leaves its status in $STATUS.
once() {
	printf '%s\n' "$1" >"$T/value"
	STATUS=0
	(cd "$T/out" && F=$F D=$D B=$B V=$1 N=$T/value OLD=$(cat "$T/old") timeout 60 bash -c "$COMMAND") >"$T/said" 2>&1 </dev/null || STATUS=$?
}

wanted() {
	case $KIND in
	device) sed "s/^parent=.*/parent=$1/" "$T/old" >"$T/want" ;;
	document) sed "s/$KEY_OLD/$1/" "$T/old" >"$T/want" ;;
	*) if has nonewline; then printf '%s' "$1" >"$T/want"; else printf '%s\n' "$1" >"$T/want"; fi ;;
	esac
	has 'own' && own_want "$1" >"$T/want"
	return 0
}

# Scratch files in the directory of the file: what is there beside it and looks like it.
beside() {
	ls -A "$D" | awk -v b="$B" '$0 != b && (index($0, b) || /^sed|^XX|^tmp|^d2utmp|[~#]/) { print }'
}

leftovers() {
	local stays
	stays=$(tr ' ' '\n' <<<"$FLAGS" | sed -n 's/^stays=//p')
	beside | STAYS="^(${stays:-})\$" awk '$0 !~ ENVIRON["STAYS"] { print }'
}

good_value() { case $KIND in key | document) echo "$KEY_GOOD" ;; device) echo br1 ;; text) echo "$TEXT_GOOD" ;; esac; }
bad_value() { case $KIND in key | document) echo "$KEY_BAD" ;; device) echo 'br/../1' ;; text) echo "$TEXT_BAD" ;; esac; }

check_good() {
	local before
	once "$(good_value)"
	wanted "$(good_value)"
	[ "$STATUS" = 0 ] || has fails || wrong "good value: exit $STATUS: $(head -c 300 "$T/said")"
	settle "$T/want" || { wrong "good value: the file holds \"$(head -c 200 "$F" 2>&1)\": $(head -c 300 "$T/said")"; return; }
	[ -z "$(leftovers)" ] || wrong "good value: left $(leftovers | tr '\n' ' ')"
	before=$(stat -c '%.9Y %s' "$F")
	if has nosecond; then
		return 0
	fi
	once "$(good_value)"
	settle "$T/want" || wrong "second run: the file holds \"$(head -c 200 "$F" 2>&1)\""
	grep -q -e "$SAYS_UNCHANGED" "$T/said" || [ -z "$SAYS_UNCHANGED" ] || wrong "second run: says it changed something: $(head -c 300 "$T/said")"
	! has twice || [ -n "${REPLAY_PLAIN:-}" ] || [ "$(stat -c '%.9Y %s' "$F")" = "$before" ] || wrong "second run: mtime moved"
}

check_bad() {
	if has nobad || [ -n "${REPLAY_PLAIN:-}" ]; then
		return 0
	fi
	prepare || return
	once "$(bad_value)"
	[ "$STATUS" != 0 ] || has silent || wrong "bad value: exit 0: $(head -c 200 "$T/said")"
	settle "$T/old" || wrong "bad value: the file holds \"$(head -c 200 "$F" 2>&1)\", not the old value"
	[ -s "$I/c1/error" ] || has noerror || wrong "bad value: no sentence in error"
}

scenario() {
	NAME=$1 KIND=$2 FLAGS=$3 COMMAND=$4
	SEEN=$((SEEN + 1))
	prepare || return 0
	check_good
	check_bad
	[ -z "${VERBOSE:-}" ] || echo "$NAME done"
}

replayed() {
	echo "$SEEN edits, $WRONG wrong"
	[ "$WRONG" = 0 ]
}
