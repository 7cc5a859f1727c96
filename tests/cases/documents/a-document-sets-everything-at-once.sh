#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What lxc config show printed elsewhere, copied to config.yaml of an empty instance, sets all of it, and reads back as it was written.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$M/profiles/web" "$I/c1" "$I/c2"
cat >"$T/doc" <<'END'
architecture: x86_64
config:
  image.architecture: amd64
  image.description: Debian bookworm amd64 (20260101_05:24)
  limits.cpu: "2"
  limits.memory: 256MiB
  user.text: |-
    two
    lines
  volatile.base_image: 0123456789abcdef
  volatile.eth0.hwaddr: 00:16:3e:12:34:56
  volatile.last_state.power: RUNNING
devices:
  eth0:
    name: eth0
    nictype: bridged
    parent: br0
    type: nic
  root:
    path: /
    pool: default
    type: disk
ephemeral: false
profiles:
- web
- default
stateful: false
description: from elsewhere
END
cp "$T/doc" "$I/c1/config.yaml"
cmp "$T/doc" "$I/c1/config.yaml"
assert_file "$I/c1/config/limits.cpu" '2\n'
assert_file "$I/c1/config/limits.memory" '256MiB\n'
assert_file "$I/c1/config/user.text" 'two\nlines\n'
assert_eq "$(ls "$I/c1/config")" "limits.cpu
limits.memory
user.text"
assert_file "$I/c1/devices/eth0" 'type=nic\nname=eth0\nnictype=bridged\nparent=br0\n'
assert_file "$I/c1/devices/root" 'type=disk\npath=/\npool=default\n'
assert_file "$I/c1/profiles" 'web\ndefault\n'
assert_file "$I/c1/description" 'from elsewhere\n'
assert_missing "$I/c1/volatile/eth0.hwaddr"

# What is printed is taken; nothing changes by it, not even a time.
echo 1 >"$I/c2/config/limits.cpu"
before=$(stat -c '%i %.9Y' "$I/c2/config/limits.cpu" "$I/c2/config.yaml")
cat "$I/c2/config.yaml" >"$T/same"
cat "$T/same" >"$I/c2/config.yaml"
assert_eq "$(stat -c '%i %.9Y' "$I/c2/config/limits.cpu" "$I/c2/config.yaml")" "$before"

# What a document does not say is unset; what is as it was keeps its bytes and time.
printf '2' >"$I/c1/config/limits.cpu"
before=$(stat -c '%i %.9Y' "$I/c1/config/limits.cpu")
printf 'config:\n  limits.cpu: 2\nephemeral: true\n' >"$I/c1/config.yaml"
assert_eq "$(ls "$I/c1/config" "$I/c1/devices")" "$I/c1/config:
limits.cpu

$I/c1/devices:"
assert_missing "$I/c1/config/limits.memory"
assert_missing "$I/c1/devices/root"
assert_file "$I/c1/config/limits.cpu" '2'
assert_eq "$(stat -c '%i %.9Y' "$I/c1/config/limits.cpu")" "$before"
assert_file "$I/c1/ephemeral" 'true\n'
assert_file "$I/c1/profiles" ''
assert_file "$I/c1/description" ''

# All or nothing: one bad value, and no good one is set.
assert_fails EINVAL "$SYS" open "$I/c1/config.yaml" wt , write 'config:\n  limits.cpu: 4\n  limits.memory: lots\n' , fsync
assert_error_matches "$I/c1/error" 'config.yaml: line 3: limits.memory'
assert_file "$I/c1/config/limits.cpu" '2'
stop_instfs
start_instfs
assert_file "$I/c1/config.yaml" 'config:\n  limits.cpu: 2\nephemeral: true\n'
