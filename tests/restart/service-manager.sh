#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Under a service manager: readiness, descriptors in its store, and a mount that lives on when holder and server are killed both.
. "$(dirname "$0")/lib.sh"

python3 "$(dirname "$0")/manager.py" "$INSTFS" "$S" "$M" 2>>"$LOG"
wait_for 10 no_process
