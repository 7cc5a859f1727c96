#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# 10 MB into a key, a command or a description is refused, costs no memory for ever, and changes nothing.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
echo old >"$I/c1/description"
for f in config/limits.memory config/user.note description state source profiles devices/d0; do
	assert_fails 'EFBIG|EINVAL|ENOSPC|E2BIG' "$SYS" open "$I/c1/$f" wct , fill 10000000 , fsync , close
done
assert_file "$I/c1/config/limits.memory" '64MiB\n'
assert_file "$I/c1/description" 'old\n'
assert_missing "$I/c1/config/user.note"
assert_missing "$I/c1/devices/d0"
assert_fails 'EFBIG|ENOSPC|EINVAL' "$SYS" open "$I/c1/config/.big" wc , fill 10000000 , close
rm -f "$I/c1/config/.big"
assert_fails 'EFBIG|EINVAL|ENOSPC' "$SYS" open "$I/c1/description" w , pwrite 100000000 'x' , fsync
assert_fails 'EFBIG|EINVAL|ENOSPC' "$SYS" truncate "$I/c1/description" 10000000000
assert_file "$I/c1/description" 'old\n'
