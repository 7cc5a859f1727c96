#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Documents that are hostile, half, or say what cannot be said: refused with a line, by close and by rename, and nothing changes.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
d=$I/c1
printf 'config:\n  limits.cpu: "1"\nprofiles: [default]\n' >"$d/config.yaml"
cp "$d/config.yaml" "$T/good"
# bad SENTENCE DOCUMENT [ERRNO]: the document as printf %b knows it
bad() {
	printf '%b' "$2" >"$T/doc"
	assert_fails "${3:-EINVAL}" cp "$T/doc" "$d/config.yaml"
	assert_error_matches "$d/error" "$1"
	cp "$T/doc" "$d/.new"
	assert_fails "${3:-EBADMSG}" "$SYS" rename "$d/.new" "$d/config.yaml"
	rm "$d/.new"
	assert_file "$d/config.yaml" "$(cat "$T/good")\n"
}
bad 'says nothing' '# only words\n'
bad 'line 1: .*says nothing' 'words\n'
bad 'line 2: limits.cpu stands in line 1' 'config: {limits.cpu: 1,\n limits.cpu: 2}\n'
bad 'line 3: config stands in line 1' 'config: {}\ndevices: {}\nconfig: {}\n'
bad 'line 1: anchors' 'config: &a {user.x: 1}\n'
bad 'line 2: aliases' 'devices: {}\nconfig: *a\n'
bad 'line 2: tags' 'config:\n  user.x: !!binary aGFsbG8=\n'
bad 'line 2: a second document' 'config: {}\n--- \nconfig: {}\n'
bad 'line 3: nested deeper' 'config: {}\nexpanded_config:\n [[[[[[[[[[[[[[[[[[[[[[\n'
bad 'line 2: not YAML' 'config:\n\t- x\n'
bad 'line 2: not a text in UTF-8' 'config: {}\ndescription: \0377\0376\n'
bad 'line 1: not a text in UTF-8' 'config\0000: {}\n'
bad 'line 1: .*NUL' 'description: "a\\0b"\n'
bad 'line 2: a key must be a text' 'config:\n  ? [a, b]\n  : c\n'
bad 'line 2: limits.cpu must be one text' 'config:\n  limits.cpu: [1, 2]\n'
bad 'line 1: config must be a map' 'config: [limits.cpu]\n'
bad 'line 2: eth0 must be a map' 'devices:\n  eth0: nic\n'
bad 'line 3: .*unknown key "limits.memroy".*limits.memory' 'config:\n  limits.cpu: 1\n  limits.memroy: 1GiB\n'
bad 'line 2: .*eth0.*type' 'devices:\n  eth0:\n    nictype: bridged\n'
bad 'line 4: .*more than one line' 'devices:\n  d0:\n    type: none\n    name: "a\\nb"\n'
bad 'line 1: ephemeral' 'ephemeral: perhaps\n'
bad 'line 1: profiles.*nosuch|line 1: .*no profile nosuch' 'profiles: [nosuch]\n'
bad 'line 1: profiles must be a list' 'profiles: default\n'
bad 'line 1: restore is not known' 'restore: s0\n'
bad 'line 1: stateful' 'stateful: true\n' EOPNOTSUPP
bad 'line 1: architecture is .* cannot be written' 'architecture: z80\n'
bad 'line 2: volatile.uuid is .* cannot be written' 'config:\n  volatile.uuid: mine\n'
{ echo 'config:'; seq -f '  user.k%g: x' 20000; } >"$T/many"
assert_fails EINVAL cp "$T/many" "$d/config.yaml"
assert_error_matches "$d/error" 'line [0-9]+: more values'
head -c 10000000 /dev/zero | tr '\0' '#' >"$T/big"
assert_fails EFBIG cp "$T/big" "$d/config.yaml"
assert_file "$d/config.yaml" "$(cat "$T/good")\n"

cp /dev/null "$d/config.yaml" || true
: >"$d/config.yaml"
wait_for 3 grep -q 'says nothing' "$d/error"
assert_file "$d/config.yaml" "$(cat "$T/good")\n"

# A writer that is killed has not said it all.
background "$SYS" open "$d/config.yaml" wt , write 'config: {}\n' , sleep 20000
sleep 0.3
kill -KILL "$BG"
wait "$BG" || true
wait_for 3 grep -q 'killed' "$d/error"
assert_file "$d/config.yaml" "$(cat "$T/good")\n"
