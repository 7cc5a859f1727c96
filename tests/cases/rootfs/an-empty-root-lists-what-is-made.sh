#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The root directory of an instance without an image lists what was made in it.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
mkdir "$I/c1"
echo none >"$I/c1/source"
touch "$M/rootfs/c1/x"
assert_eq "$(ls -a "$M/rootfs/c1" | tr '\n' ' ')" '. .. x '
rm -rf "$M/rootfs/c1"/*
assert_missing "$M/rootfs/c1/x"
