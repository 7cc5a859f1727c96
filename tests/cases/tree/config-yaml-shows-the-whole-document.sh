#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# config.yaml holds keys, devices, profiles and description, and follows every change.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
printf 'type=nic\nnictype=bridged\nparent=br0\n' >"$I/c1/devices/eth0"
echo words >"$I/c1/description"
y=$("$PYTHON" -c 'import sys; sys.stdout.write(open(sys.argv[1]).read())' "$I/c1/config.yaml")
for want in 'limits.memory: 64MiB' 'eth0:' 'nictype: bridged' 'description: words' 'profiles:' '- default'; do
	grep -qF -e "$want" <<<"$y" || fail "no \"$want\" in $y"
done
rm "$I/c1/devices/eth0"
wait_for 4 eval "! grep -q eth0 '$I/c1/config.yaml'"
assert_eq "$(size "$I/c1/config.yaml")" "$(wc -c <"$I/c1/config.yaml")"
