#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Comments and layout of a document stay; keys that are changed one by one are put right in their place.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
d=$I/c1
cat >"$d/config.yaml" <<'END'
# made by hand
profiles: [default]   # only this one

config:
  # the database needs that
  limits.memory: 256MiB   # not less
  limits.cpu: "2"
  user.gone: x  # goes with its key
  # a last word

description: >-
  a folded
  text
devices: {}
END
cp "$d/config.yaml" "$T/doc"
cmp "$T/doc" "$d/config.yaml"
time=$(mtime "$d/config.yaml")
echo 512MiB >"$d/config/limits.memory"
echo 50% >"$d/config/limits.cpu.allowance"
rm "$d/config/user.gone"
wait_for 3 eval "! grep -q user.gone '$d/config.yaml'"
assert_file "$d/config.yaml" "$(sed -e 's/256MiB/512MiB/' -e 's/.*user.gone.*/  limits.cpu.allowance: 50%/' "$T/doc")\n"
assert_ne "$(mtime "$d/config.yaml")" "$time"
printf 'type=nic\nnictype=p2p\n' >"$d/devices/eth0"
wait_for 3 grep -q '^  eth0:$' "$d/config.yaml"
grep -q '# the database needs that' "$d/config.yaml"
printf 'type=nic\nnictype=p2p\nmtu=1400\n' >"$d/devices/eth0"
wait_for 3 grep -qx '    mtu: "1400"' "$d/config.yaml"
rm "$d/devices/eth0"
echo words >"$d/description"
wait_for 3 eval "! grep -q eth0 '$d/config.yaml'"
grep -qx 'description: words' "$d/config.yaml"
grep -q '# not less' "$d/config.yaml"
"$PYTHON" - "$d/config.yaml" <<'END'
import sys
text = open(sys.argv[1]).read()
assert text.startswith('# made by hand\nprofiles: [default]   # only this one\n'), text
END
# Back to what was written: it reads as it was written, comments that were lost included.
cp "$T/doc" "$d/config.yaml"
cmp "$T/doc" "$d/config.yaml"
assert_eq "$(size "$d/config.yaml")" "$(wc -c <"$T/doc")"
