#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The server starts another holder; both go on, and both can be killed again.
. "$(dirname "$0")/lib.sh"

export MEMFS_CACHE=1
start_instfs
memfs_load 80 80 -H 4
internal poker
"$INSTFS" --upgrade "$M"
ls "$M" >/dev/null
stop_revived
