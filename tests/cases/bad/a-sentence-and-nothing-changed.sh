#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each kind of bad input: its errno, its sentence in `error`, and a store that is the same to the last byte. doc/bad-input.md is the inventory.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
make_instance c2 running
make_instance busy
echo 64MiB >"$I/c1/config/limits.memory"
printf 'type=none\n' >"$I/c1/devices/d0"
long=$(printf 'a%.0s' $(seq 64)) config=$I/c1/config

# Names and contents; the indexes are caches, the journals of events and errors tell of the refusal itself.
# What is in the store's journal is looked at once it is in its place.
store() {
	wait_for 60 eval '[ -z "$(find "$S" -name object.json.tmp)" ]'
	find "$S" ! -name index ! -name journal ! -name 'events.log*' -type f -exec sha1sum {} + | sort -k 2
	find "$S" ! -type f | sort
}

# bad ERRNO SENTENCE ERROR-FILE COMMAND...
bad() {
	local want=$1 sentence=$2 error=$3
	shift 3
	store >"$T/before"
	assert_fails "$want" "$@"
	assert_error_matches "$error" "$sentence"
	store | diff "$T/before" - >&2 || fail "the store changed: $*"
}

# value ERRNO SENTENCE FILE TEXT
value() {
	bad "$1" "$2" "$I/c1/error" "$SYS" open "$I/c1/$3" wt , write "$4" , close
}

# made ERRNO SENTENCE FILE TEXT: a file that is not there
made() {
	bad "$1" "$2" "$I/c1/error" "$SYS" open "$I/c1/$3" wct , write "$4" , close
	assert_missing "$I/c1/$3"
}

made EINVAL 'limits.memory' config/limits.memroy '1GiB\n'
value EINVAL 'size|bytes' config/limits.memory 'lots\n'
made EINVAL 'CPU' config/limits.cpu 'x\n'
made EINVAL 'true|false' config/boot.autostart 'perhaps\n'
made 'EINVAL|ERANGE' 'number|[0-9]' config/limits.processes '-1\n'
made EINVAL 'number' config/boot.autostart.priority '1.5\n'
made EINVAL 'key|name|environment' config/environment.a=b 'x\n'
made EINVAL 'UTF-8|text|character' config/user.note 'a\xff\n'
made EINVAL 'type' devices/d1 'type=nonsense\n'
value EINVAL 'state' state 'sleeping\n'
value EINVAL 'state|empty' state '\n'
value EINVAL 'source' source 'nowhere/x\n'
value 'EINVAL|ENOENT' 'profile' profiles 'nosuch\n'
value 'EINVAL|ENOENT' 'snapshot' restore 'nosuch\n'
bad EINVAL 'size|bytes' "$I/c1/error" "$SYS" open "$config/limits.memory" rw , pwrite 1 'x' , fsync
bad 'EFBIG|EINVAL' 'long|large|big|bytes' "$I/c1/error" "$SYS" open "$config/user.note" wct , fill 10000000 , fsync
bad 'EBADMSG|EINVAL' 'config.yaml|line|YAML' "$I/c1/error" "$SYS" open "$I/c1/config.yaml" wt , write 'config: {' , fsync
bad EINVAL 'nonsense' "$I/c1/error" "$SYS" open "$I/c1/nonsense" wct
for name in 'a b' $'a\nb' -a ä "$long" 12345; do
	bad 'EINVAL|ENAMETOOLONG' 'name' "$M/error" mkdir "$I/$name"
done
bad EEXIST 'c1' "$M/error" mkdir "$I/C1"
mkdir "$M/profiles/"{p1,p2} "$M/images/"{i1,i2} "$I/c1/snapshots/"{s1,s2}
bad EEXIST 'busy' "$M/error" "$SYS" rename "$I/c1" "$I/busy"
bad EEXIST 'p2' "$M/error" "$SYS" rename "$M/profiles/p1" "$M/profiles/p2"
bad EEXIST 'i2' "$M/error" "$SYS" rename "$M/images/i1" "$M/images/i2"
bad EEXIST 's2' "$I/c1/error" "$SYS" rename "$I/c1/snapshots/s1" "$I/c1/snapshots/s2"
bad EBUSY 'run' "$I/c2/error" rmdir "$I/c2"
bad EBUSY 'run' "$I/c2/error" "$SYS" rename "$I/c2" "$I/c3"
mock_delay busy 60000
background "$SYS" open "$I/busy/state" w , write 'running\n'
wait_for 3 test -s "$I/busy/progress"
bad EBUSY 'start' "$I/busy/error" "$SYS" open "$I/busy/state" w , write 'stopped\n'
bad EBUSY 'start' "$I/busy/error" rmdir "$I/busy"
kill "$BG"
assert_eq "$(find "$S" -name '*.tmp' -o -name '.new-*')" ""
