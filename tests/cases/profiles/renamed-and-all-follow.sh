#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Renaming a profile: its users, those in the trash and documents follow; a server that is killed in it is no matter.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$M/profiles/p1"
echo 10 >"$M/profiles/p1/config/limits.processes"
for c in c1 c2 c3; do
	make_instance $c
	printf 'default\n p1 \n' >"$I/$c/profiles"
done
printf '# mine\nprofiles: [default, p1]\n' >"$I/c1/config.yaml"
rmdir "$I/c3"
mv "$M/profiles/p1" "$M/profiles/p2"
assert_file "$I/c2/profiles" 'default\n p2 \n'
assert_file "$I/c1/expanded/config/limits.processes" '10\n'
assert_file "$I/c1/config.yaml" '# mine\nprofiles:\n- default\n- p2\n'
mv "$M"/trash/c3@* "$I/c3"
assert_file "$I/c3/profiles" 'default\n p2 \n'
assert_fails 'EPERM|EBADMSG' "$SYS" rename "$M/profiles/default" "$M/profiles/other"
mkdir "$M/profiles/p3"
assert_fails EEXIST "$SYS" rename "$M/profiles/p2" "$M/profiles/p3"
# As a killed server leaves it: the new name, the intent, and users of the old name.
stop_instfs
"$PYTHON" - "$S" <<'END'
import json, sys
d = sys.argv[1]
def edit(path, f):
    o = json.load(open(path))
    f(o)
    json.dump(o, open(path, 'w'), indent=1)
edit(d + '/profiles/p2/object.json', lambda o: o.setdefault('fields', {}).update(former={'value': 'p0\n'}))
edit(d + '/instances/c2/object.json', lambda o: o['fields']['profiles'].update(value='default\np0\n'))
END
start_instfs
assert_file "$I/c2/profiles" 'default\np2\n'
wait_for 60 eval '! grep -q former "$S/profiles/p2/object.json"'
# All who refuse are named.
for c in c1 c2 c3; do
	echo "$c" >"$I/$c/config/user.name"
	echo running >"$I/$c/state"
	printf 'type=nic\nnictype=p2p\nname=eth5\n' >"$I/$c/devices/own"
done
assert_fails EINVAL "$SYS" open "$M/profiles/p2/devices/other" wct , write 'type=nic\nnictype=p2p\nname=eth5\n' , fsync
assert_error_matches "$M/profiles/p2/error" 'instance c1: .*instance c2: .*instance c3: '
