#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# make install and make package put programs, helpers, manual page, unit and documents where they belong.
. "$(dirname "$0")/../../lib/case.sh"

needs_program cmake make
build=$BUILDS/build-normal
[ -x "$build/instfs" ] || skip "no build"
DESTDIR=$T/dest make -C "$build" install >"$T/out" 2>&1 || { tail "$T/out"; fail "make install"; }
prefix=$T/dest$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")
for f in bin/instfs bin/instfs-mkimage libexec/instfs/instfs-lxc libexec/instfs/instfs-proxy libexec/instfs/instfs-tty libexec/instfs/instfs-unpack share/man/man8/instfs.8 \
	lib/systemd/system/instfs.service share/doc/instfs/README.md share/doc/instfs/tree.md share/doc/instfs/examples/quickstart.sh; do
	assert_exists "$prefix/$f"
done
"$prefix/bin/instfs" --version | grep -q '[0-9]\.[0-9]'
! grep -q '@' "$prefix/lib/systemd/system/instfs.service" || fail "the unit has a variable that was not replaced"
if command -v man >/dev/null; then
	man -l "$prefix/share/man/man8/instfs.8" 2>"$T/warnings" | grep -qi 'instfs'
	assert_file "$T/warnings" ''
fi
if command -v dpkg-deb >/dev/null; then
	(cd "$build" && cpack -G DEB -B "$T/pack") >"$T/out" 2>&1 || { tail "$T/out"; fail "cpack"; }
	dpkg-deb -c "$T"/pack/*.deb >"$T/contents"
	grep -q "bin/instfs\$" "$T/contents"
	dpkg-deb -f "$T"/pack/*.deb Depends | grep -q 'fuse3'
fi
