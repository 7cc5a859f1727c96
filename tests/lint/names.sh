#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A file of the tree is named once in fs/: as a row. Names of rows are unique within their table.
. "$(dirname "$0")/lint.sh"

# Row tables: a string at .name = "..." within fs/; the same id twice in one file is an error of its own.
product | grep '^fs/' | xargs grep -nHoE '\.id = ROW_[A-Za-z0-9_]+' | sed 's/:[0-9]*:/ /' | sort | uniq -d |
	while read -r l; do offence "twice: $l"; done
# Comparing with the name of a file instead of its row.
# fs/options.c has mount options, whose names are not files.
product | grep '^fs/' | grep -v '^fs/options' | xargs grep -nE 'str(n|case)?cmp\([^)]*"(state|description|config|devices|profiles|snapshots|error|progress|console|restore|ephemeral|trash|instances|images)"' |
	while read -r l; do offence "$l: compares with the name of a row"; done
verdict
