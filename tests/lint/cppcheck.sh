#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cppcheck over the product. Leaks are the matter of the leak sanitizer: cppcheck does not know the cleanup attribute.
# timeout: 400
. "$(dirname "$0")/lint.sh"
command -v cppcheck >/dev/null || { echo "skipped: cppcheck is not installed"; exit 77; }

product | grep '\.c$' >"$OFFENCES.files"
cppcheck --quiet --std=c11 --enable=warning,portability -j 2 -I . -D_GNU_SOURCE --inline-suppr --suppress=memleak \
	--suppress=unknownMacro --suppress=internalAstError --template='{file}:{line}: {id}: {message}' \
	--file-list="$OFFENCES.files" >>"$OFFENCES" 2>&1
rm -f "$OFFENCES.files"
verdict
