#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# In a running container both sides see what the other does, with the same owners.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
r=$M/rootfs/c1

# inside COMMAND: runs in the guest, prints what it said.
inside() {
	local e=$I/c1/exec/e
	mkdir "$e"
	echo "$1" >"$e/command"
	timeout 60 cat "$e/wait" >/dev/null
	cat "$e/stdout"
	rmdir "$e"
}

inside 'mkdir /both; echo guest > /both/f; chown 5:6 /both/f; ln -s /etc/passwd /both/l'
assert_file "$r/both/f" 'guest\n'
assert_eq "$(stat -c '%u %g' "$r/both/f") $(stat -c '%u %g' "$r/both")" '5 6 0 0'
echo host >"$r/both/g"
chown 7:8 "$r/both/g"
chmod 4750 "$r/both/g"
assert_eq "$(inside 'stat -c "%u %g %a" /both/g; cat /both/g')" $'7 8 4750\nhost'
for i in 1 2 3 4 5; do
	inside "echo $i >> /both/f"
	assert_eq "$(tail -n 1 "$r/both/f")" "$i"
	echo "host $i" >>"$r/both/f"
	assert_eq "$(inside 'tail -n 1 /both/f')" "host $i"
done
inside 'mv /both/f /both/moved; rm /both/g; mkdir /both/g'
assert_missing "$r/both/f"
assert_exists "$r/both/moved"
rmdir "$r/both/g"
assert_eq "$(inside 'ls /both')" $'l\nmoved'
assert_eq "$(head -n 1 "$r/both/l")" "$(inside 'head -n 1 /etc/passwd')"
echo 'stopped force' >"$I/c1/state"
assert_file "$r/both/moved" 'guest\n1\nhost 1\n2\nhost 2\n3\nhost 3\n4\nhost 4\n5\nhost 5\n'
