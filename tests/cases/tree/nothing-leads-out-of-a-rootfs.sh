#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whatever links and names the guest makes, a path below rootfs/NAME stays there.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
make_instance c1
echo safe >"$T/victim"
r=$M/rootfs/c1
ln -s "$T" "$r/abs"
ln -s ../../../../../../../../../../.."$T" "$r/rel"
ln -s / "$r/root"
ln -s /proc/self/root "$r/magic"
mkdir "$r/d"
# The kernel follows links in the caller's name space, as everywhere; what the daemon itself resolves must not.
assert_eq "$(ino "$r/d/../../c1")" "$(ino "$r")" ".. of the root file system"
assert_eq "$(readlink "$r/abs")" "$T"
mkdir "$I/c1/snapshots/s0"
mkdir "$I/c2"
echo instances/c1 >"$I/c2/source"
assert_eq "$(readlink "$M/rootfs/c2/abs")" "$T"
assert_file "$T/victim" 'safe\n'
rm -rf "$r/abs" "$r/rel" "$r/root" "$r/magic"
assert_file "$T/victim" 'safe\n'
assert_exists /etc/passwd
