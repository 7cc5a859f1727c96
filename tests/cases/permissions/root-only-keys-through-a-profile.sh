#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Someone who may write a profile cannot give root-only keys to instances, nor take a profile that has them.
. "$(dirname "$0")/../../lib/case.sh"

needs_root
start_instfs -o allow_other
chmod 755 "$T"
mkdir "$M/profiles/p1" "$M/profiles/power"
echo true >"$M/profiles/power/config/security.privileged"
make_instance c1
chown 4711:4711 "$I/c1" "$M/profiles/p1"
as() { "$SYS" user 4711 4711 , "$@"; }
as open "$M/profiles/p1/config/limits.cpu" wct , write '1\n'
assert_fails 'EPERM|EACCES' as open "$M/profiles/p1/config/security.privileged" wct , write 'true\n'
assert_fails 'EPERM|EACCES' as open "$I/c1/profiles" wt , write 'default\npower\n' , fsync
assert_file "$I/c1/profiles" 'default\n'
as open "$I/c1/profiles" wt , write 'default\np1\n' , fsync
