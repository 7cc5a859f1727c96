#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# none, gzip, bzip2, xz and zstd by what the bytes are, not by the name.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
"$TESTS/lib/tarball.py" "$T/i.tar" good
n=0
for c in cat gzip bzip2 xz 'zstd -q' lz4 lzma; do
	command -v "${c%% *}" >/dev/null || continue
	n=$((n + 1))
	$c <"$T/i.tar" >"$T/data"
	mkdir "$M/images/i$n"
	cp "$T/data" "$M/images/i$n/image" || fail "$c: $(cat "$M/images/i$n/error")"
	mkdir "$I/c$n"
	echo "images/i$n" >"$I/c$n/source"
	assert_file "$M/rootfs/c$n/etc/hostname" 'test\n'
	rmdir "$I/c$n" "$M/images/i$n"
done
