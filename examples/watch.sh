#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Follows what happens in a mounted tree: examples/watch.sh [MOUNTPOINT]. The file `events` blocks until there is something new.
exec cat "${1:-/mnt/instfs}/events"
