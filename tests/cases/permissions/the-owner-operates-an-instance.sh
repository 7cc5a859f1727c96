#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# chown gives an instance away: the owner sets limits and state, others cannot; nobody else reads a 0750 one.
. "$(dirname "$0")/../../lib/case.sh"

needs_root
start_instfs -o allow_other
chmod 755 "$T"
make_instance c1
make_instance c2
chown 4711:4711 "$I/c1"
as() { "$SYS" user "$1" "$1" , "${@:2}"; }
as 4711 open "$I/c1/config/limits.memory" wct , write '64MiB\n' , close
as 4711 open "$I/c1/state" w , write 'running\n'
assert_file "$I/c1/state" 'running\n'
assert_fails 'EACCES|EPERM' as 4712 open "$I/c1/state" w , write 'stopped force\n'
assert_fails 'EACCES|EPERM' as 4712 open "$I/c1/config/limits.memory" w
assert_fails 'EACCES|EPERM' as 4711 open "$I/c2/state" w
assert_fails 'EACCES|EPERM' as 4712 mkdir "$I/c3"
assert_fails 'EACCES|EPERM' as 4712 rmdir "$I/c2"
as 4711 open "$I/c1/state" w , write 'stopped force\n'
chmod 750 "$I/c1"
assert_fails EACCES as 4712 open "$I/c1/state" r
as 4711 open "$I/c1/state" r , read 10 >/dev/null
assert_fails 'EPERM|EACCES' as 4711 chown 0 0 "$I/c2"
