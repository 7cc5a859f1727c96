#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Puppet's file resource sets keys, a device and a document, and removes stopped instances only. A second run changes nothing; what is
# refused fails, and nothing has changed.
# heavy
# timeout: 300
. "$(dirname "$0")/../lib/case.sh"

needs_program puppet
start_instfs
export HOME=$T
for c in c1 c2 c3 c4 gone; do
	make_instance "$c"
	echo 64MiB >"$I/$c/config/limits.memory"
done
echo running >"$I/c4/state"
# apply STATUS MEMORY REMOVED: 0 nothing changed, 2 changed, 4 and 6 failed.
apply() {
	local s=0
	cat >"$T/site.pp" <<-END
		file { '$I/c1/config/limits.memory': content => "$2\\n" }
		file { '$I/c2/config/limits.memory': content => "$2\\n", mode => '0600', owner => 'root', backup => '.old' }
		file { '$I/c1/devices/eth0': content => "type=nic\\nnictype=bridged\\nparent=br1\\n" }
		file { '$I/c3/config.yaml': content => "# puppet's\\nconfig:\\n  limits.memory: $2 # all of it\\n" }
		file { '$I/$3': ensure => absent, force => true, backup => false }
	END
	puppet apply --detailed-exitcodes --color=false --confdir="$T/conf" --vardir="$T/var" "$T/site.pp" >"$T/said" 2>&1 || s=$?
	assert_match "$s" "^($1)\$" "$(cat "$T/said"): status"
}
# The backup, and when it was made, aside.
state() {
	local c
	for c in c1 c2 c3 c4; do
		snapshot_of "$I/$c" | grep -vE '^ config d |limits.memory.old'
	done
}
apply 2 128MiB gone
assert_missing "$I/gone"
assert_eq "$(cat "$I"/c[123]/config/limits.memory)" $'128MiB\n128MiB\n128MiB'
assert_file "$I/c1/devices/eth0" 'type=nic\nnictype=bridged\nparent=br1\n'
assert_file "$I/c3/config.yaml" "# puppet's\nconfig:\n  limits.memory: 128MiB # all of it\n"
assert_eq "$(stat -c %a "$I/c2/config/limits.memory")" 600
assert_file "$I/c2/config/limits.memory.old" '64MiB\n'
state >"$T/before"
apply 0 128MiB gone
apply '4|6' lots c4
state | diff "$T/before" - || fail "something was changed"
assert_file "$I/c4/state" 'running\n'
grep -q '^Error: .*Bad message' "$T/said"
