# SPDX-License-Identifier: LGPL-2.1-or-later
# What a test may claim. Each says what it saw when it is not so.

fail() {
	echo "${CASE##*/}:${BASH_LINENO[1]:-?}: $*" >&2
	exit 1
}

# assert_eq SEEN WANTED [WHAT]
assert_eq() {
	[ "$1" = "$2" ] || fail "${3:-value} is \"$1\", not \"$2\""
}

assert_ne() {
	[ "$1" != "$2" ] || fail "${3:-value} is still \"$1\""
}

# assert_match TEXT REGEX [WHAT]
assert_match() {
	grep -qE -e "$2" <<<"$1" || fail "${3:-text} \"$1\" does not match /$2/"
}

# assert_file FILE CONTENT: the content to the last byte; "\n" and the like as printf %b knows them.
assert_file() {
	[ -e "$1" ] || fail "$1 does not exist"
	printf '%b' "$2" | cmp -s - "$1" || fail "$1 holds $(head -c 300 "$1" | od -An -c | tr -s ' \n' ' '), not \"$2\""
}

assert_exists() {
	[ -e "$1" ] || [ -L "$1" ] || fail "$1 does not exist"
}

assert_missing() {
	[ ! -e "$1" ] && [ ! -L "$1" ] || fail "$1 exists"
}

# assert_fails ERRNO[|ERRNO] COMMAND...: it fails, and its message names the error, as a word or in strerror's words.
assert_fails() {
	local want=$1 out words e
	shift
	if out=$("$@" 2>&1); then
		fail "succeeded, but $want was due: $*"
	fi
	for e in ${want//|/ }; do
		words=$($SYS strerror "$e")
		case $out in
		*"$e"* | *"$words"*) return 0 ;;
		esac
	done
	fail "failed, not with $want: $* said: $out"
}

# For shells' own redirections: assert_write_fails ERRNO FILE VALUE (written with a newline, as echo does).
assert_write_fails() {
	assert_fails "$1" "$SYS" open "$2" wct , flush , write "$3\n" , close
}

# assert_error_matches FILE REGEX: the sentence in an `error` file.
assert_error_matches() {
	[ -s "$1" ] || fail "$1 is empty"
	grep -qiE -e "$2" "$1" || fail "$1 says \"$(cat "$1")\", which does not match /$2/"
}

# The moment at which waiting for SECONDS ends. What comes, comes at once on a machine at rest: no test may hang on the speed of
# a busy one, so a shorter limit than a minute is for the reader only.
limit_of() {
	echo $((SECONDS + ($1 > 60 ? $1 : 60) * SLOW))
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	local end
	end=$(limit_of "$1")
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "did not come: $*"
		sleep 0.05
	done
}

# wait_file SECONDS FILE CONTENT-WITHOUT-NEWLINE
wait_file() {
	local end
	end=$(limit_of "$1")
	until [ "$(cat "$2" 2>/dev/null)" = "$3" ]; do
		[ "$SECONDS" -lt "$end" ] || fail "$2 is \"$(cat "$2" 2>&1)\", and did not become \"$3\""
		sleep 0.05
	done
}

# snapshot_of DIR: names, kinds, modes, owners, sizes, mtimes and contents of what is configured there, for "nothing changed".
snapshot_of() {
	find "$1"/{config,devices,description,profiles,source} -printf '%P %f %y %m %U %G %s %T@\n' | sort
	find "$1"/{config,devices,description,profiles,source} -type f -exec cksum {} + | sort
}

# ino FILE, mtime FILE (with nanoseconds), size FILE
ino() { stat -c %i "$1"; }
mtime() { stat -c %.9Y "$1"; }
size() { stat -c %s "$1"; }
