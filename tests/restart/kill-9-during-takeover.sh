#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Servers that are killed before they have taken over.
. "$(dirname "$0")/lib.sh"

start_instfs -o takeover=resend
memfs_load 300 3
stop_instfs
rm -rf "$S" && mkdir "$S"
start_instfs -o takeover=journal
memfs_load 300 3
