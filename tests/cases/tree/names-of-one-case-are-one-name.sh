#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names that differ only in case are the same name; renaming may change the case.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$I/Web1"
assert_fails EEXIST mkdir "$I/web1"
assert_fails EEXIST mkdir "$I/WEB1"
mv -T "$I/Web1" "$I/web1" || "$SYS" rename "$I/Web1" "$I/web1"
assert_eq "$(ls "$I")" web1
assert_fails ENOENT stat "$I/Web1"
