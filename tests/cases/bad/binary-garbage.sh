#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# NUL bytes, invalid UTF-8 and control characters are refused where text is due.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo old >"$I/c1/description"
for junk in 'a\0b' '\xff\xfe' '\xc3' '\xed\xa0\x80'; do
	assert_fails EINVAL "$SYS" open "$I/c1/config/user.note" wct , write "$junk\n" , close
	assert_fails EINVAL "$SYS" open "$I/c1/config/limits.memory" wct , write "$junk\n" , close
	assert_missing "$I/c1/config/user.note"
	assert_fails EINVAL "$SYS" open "$I/c1/state" w , write "$junk\n"
done
head -c 4096 /dev/urandom >"$T/junk"
assert_fails 'EINVAL|EFBIG' cp "$T/junk" "$I/c1/description"
assert_fails 'EINVAL|EFBIG' cp "$T/junk" "$I/c1/devices/d0"
assert_fails 'EINVAL|EFBIG' cp "$T/junk" "$I/c1/config/limits.cpu"
assert_file "$I/c1/description" 'old\n'
assert_missing "$I/c1/devices/d0"
assert_eq "$(ls -A "$I/c1/config")" ""
