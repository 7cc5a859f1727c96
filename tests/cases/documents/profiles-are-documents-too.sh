#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# config.yaml of a profile: what lxc profile show prints is taken; its users follow, all or none.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$M/profiles/web"
p=$M/profiles/web
cat >"$T/doc" <<'END'
config:
  limits.processes: "100"
description: Web servers
devices:
  eth0:
    name: eth0
    nictype: p2p
    type: nic
name: default
used_by:
- /1.0/instances/elsewhere
END
cp "$T/doc" "$p/config.yaml"
assert_file "$p/config/limits.processes" '100\n'
assert_file "$p/description" 'Web servers\n'
assert_file "$p/devices/eth0" 'type=nic\nname=eth0\nnictype=p2p\n'
# Which profile it is, and who uses it, is not written.
assert_file "$p/config.yaml" "$(sed -e 's/^name: .*/name: web/' -e '/^used_by:/,$d' "$T/doc")\nused_by: []\n"
make_instance c1 running
printf 'default\nweb\n' >"$I/c1/profiles"
assert_file "$I/c1/expanded/config/limits.processes" '100\n'
grep -q '/1.0/instances/c1' "$p/config.yaml"
printf '# ours\nconfig: {limits.processes: 200}\n' >"$p/config.yaml"
assert_file "$I/c1/expanded/config/limits.processes" '200\n'
assert_missing "$I/c1/expanded/devices/eth0"
assert_file "$p/config.yaml" '# ours\nconfig: {limits.processes: 200}\n'
# A user that cannot take it: nobody does.
make_instance c2 running
echo web >"$I/c2/profiles"
mock_fail c2 apply
assert_fails 'EIO|EINVAL|EBUSY|EAGAIN' "$SYS" open "$p/config.yaml" wt , write 'config: {limits.processes: 300}\n' , fsync
assert_error_matches "$p/error" 'c2'
assert_file "$I/c1/expanded/config/limits.processes" '200\n'
assert_file "$p/config/limits.processes" '200\n'
