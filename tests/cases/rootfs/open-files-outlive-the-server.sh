#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Descriptors of files and directories go on over kill -9 of the server, of files that have no name any more as well.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
allow_log 'server'
make_instance c1
cd "$M/rootfs/c1"
mkdir d
echo one >d/f
echo gone >d/gone
exec 7<d/gone 8>>d/f
rm d/gone
cd d
kill_server
assert_eq "$(cat <&7)" gone
echo two >&8
assert_file f 'one\ntwo\n'
mv ../d ../e
kill_server
echo three >&8
assert_file f 'one\ntwo\nthree\n'
assert_file ../e/f 'one\ntwo\nthree\n'
assert_eq "$(readlink /proc/self/cwd)" "$M/rootfs/c1/e"
mkdir sub
kill_server
rmdir sub
exec 7<&- 8>&-
cd /
