#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mkdir and cp: fingerprint, size, properties and the original bytes are there when cp has returned.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
"$TESTS/lib/tarball.py" "$T/i.tar.gz" good
mkdir "$M/images/i1"
cp "$T/i.tar.gz" "$M/images/i1/image"
sum=$(sha256sum <"$T/i.tar.gz" | cut -d' ' -f1)
assert_file "$M/images/i1/fingerprint" "$sum\n"
cmp "$T/i.tar.gz" "$M/images/i1/image"
assert_eq "$(size "$M/images/i1/image")" "$(size "$T/i.tar.gz")"
assert_file "$M/images/i1/size" "$(size "$T/i.tar.gz")\n"
assert_file "$M/images/i1/type" 'container\n'
assert_match "$(cat "$M/images/i1/properties/os")" none
grep -q creation_date "$M/images/i1/metadata.yaml"
assert_eq "$(readlink -f "$M/images/.by-fingerprint/$sum")" "$(readlink -f "$M/images/i1")"
mkdir "$M/images/i2"
cp "$T/i.tar.gz" "$M/images/i2/image"
assert_eq "$(ls "$M/images/.by-fingerprint")" "$sum" "two images with the same bytes"
mkdir "$I/c1"
echo images/i1 >"$I/c1/source"
assert_file "$M/rootfs/c1/etc/hostname" 'test\n'
assert_file "$I/c1/source" 'images/i1\n'
assert_eq "$(ls "$M/images/i1/used_by")" c1
stop_instfs
start_instfs
assert_file "$M/images/i1/fingerprint" "$sum\n"
assert_file "$M/rootfs/c1/etc/hostname" 'test\n'
rmdir "$M/images/i1"
assert_file "$M/rootfs/c1/etc/hostname" 'test\n'
