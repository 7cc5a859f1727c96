#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cppcheck over the product, bounded in time by its level and by the limit of the test.
# timeout: 400
. "$(dirname "$0")/lint.sh"
command -v cppcheck >/dev/null || { echo "skipped: cppcheck is not installed"; exit 77; }

product | grep '\.c$' >"$OFFENCES.files"
cppcheck --quiet --std=c11 --enable=warning,portability --check-level=normal -j 2 -I . -D_GNU_SOURCE --library=gnu,posix \
	--inline-suppr --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=normalCheckLevelMaxBranches \
	--suppress=internalAstError --template='{file}:{line}: {id}: {message}' --file-list="$OFFENCES.files" >>"$OFFENCES" 2>&1 ||
	cppcheck --quiet --std=c11 --enable=warning,portability -j 2 -I . -D_GNU_SOURCE --inline-suppr \
		--suppress=unknownMacro --suppress=internalAstError --template='{file}:{line}: {id}: {message}' \
		--file-list="$OFFENCES.files" >"$OFFENCES" 2>&1
rm -f "$OFFENCES.files"
verdict
