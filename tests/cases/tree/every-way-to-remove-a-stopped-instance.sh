#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rmdir, rm -r, find -delete, busybox, python and perl remove a stopped instance whole; it goes to the trash.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
n=0
remove() {
	n=$((n + 1))
	make_instance "c$n"
	echo 64MiB >"$I/c$n/config/limits.memory"
	printf 'type=none\n' >"$I/c$n/devices/d0"
	"$@" "$I/c$n"
	assert_missing "$I/c$n"
	compgen -G "$M/trash/c$n@*" >/dev/null || fail "c$n is not in the trash after: $*"
}
remove rmdir
remove rm -r
remove rm -rf
remove busybox rm -rf
remove sh -c 'find "$0" -delete'
remove sh -c 'find "$0" -depth -type d -delete'
remove "$PYTHON" -c 'import shutil, sys; shutil.rmtree(sys.argv[1])'
remove perl -MFile::Path=remove_tree -e 'remove_tree($ARGV[0]); exit(-d $ARGV[0])'
remove sh -c 'mkdir -p "$0.d" 2>/dev/null; mkdir /tmp/e.$$; rsync -a --delete "/tmp/e.$$/" "$0/"; rmdir /tmp/e.$$; rmdir "$0"'
assert_eq "$(ls "$I")" ""
