#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Somebody starts and stops an instance all the time and others poll its state, while servers and holders are killed.
REAL=1
. "$(dirname "$0")/lib.sh"

start_instfs
make_instance c1
load 60 100 -d - -p "$I/c1/state" -a $'running\n' -b $'stopped\n'
stop_instfs
start_instfs -o takeover=journal
load 60 100 -d - -p "$I/c1/state" -a $'running\n' -b $'stopped\n' -H 6
stop_revived
