#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Clients at work in the root file system of an instance, while servers and holders are killed.
REAL=1
. "$(dirname "$0")/lib.sh"
BACKEND=lxc

start_instfs
mkdir "$I/c1"
echo none >"$I/c1/source"
mkdir "$M/rootfs/c1/load"
load 60 100 -d "$M/rootfs/c1/load"
stop_instfs
start_instfs -o takeover=journal
rm -rf "$M/rootfs/c1/load"
mkdir "$M/rootfs/c1/load"
load 60 100 -d "$M/rootfs/c1/load" -H 6
stop_revived
