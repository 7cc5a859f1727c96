#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel keeps listings; whatever makes a name come or go is in the next one.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

needs_root
start_instfs
c=$I/c1
mkdir "$c"

# lists DIR NAME, lacks DIR NAME: with a listing that the kernel has already seen.
lists() { ls -a "$1" >/dev/null; ls -a "$1" | grep -qxF "$2" || fail "$1 does not list $2"; }
lacks() { ls -a "$1" >/dev/null; ! ls -a "$1" | grep -qxF "$2" || fail "$1 lists $2"; }
warm() { ls -aR "$M" >/dev/null; ls -aR "$M" >/dev/null; }

lacks "$c" rootfs; lacks "$M/rootfs" c1
echo none >"$c/source"
lists "$c" rootfs; lists "$M/rootfs" c1; lists "$c" source
warm; echo x >"$c/config/user.a"; lists "$c/config" user.a; lists "$c/expanded/config" user.a
warm; rm "$c/config/user.a"; lacks "$c/config" user.a; wait_for 5 test ! -e "$c/expanded/config/user.a"; lacks "$c/expanded/config" user.a
warm; echo y >"$M/profiles/default/config/user.p"; lists "$c/expanded/config" user.p
warm; printf 'type=disk\nsource=/tmp\npath=/x\n' >"$c/devices/d"; lists "$c/devices" d; lists "$c/expanded/devices" d
warm; mkdir "$c/snapshots/s"; lists "$c/snapshots" s; lists "$M/rootfs" c1@s
warm; mv "$c/snapshots/s" "$c/snapshots/t"; lists "$c/snapshots" t; lacks "$c/snapshots" s; lists "$M/rootfs" c1@t; lacks "$M/rootfs" c1@s
warm; rmdir "$c/snapshots/t"; lacks "$c/snapshots" t; lacks "$M/rootfs" c1@t
warm; mkdir "$M/profiles/p"; lists "$M/profiles" p
warm; echo p >"$c/profiles"; lists "$M/profiles/p/used_by" c1; lacks "$M/profiles/default/used_by" c1; lacks "$c/expanded/config" user.p
warm; mv "$c" "$I/c2"; lists "$I" c2; lacks "$I" c1; lists "$M/profiles/p/used_by" c2; lists "$M/rootfs" c2
warm; : >"$I/c2/.x.swp"; lists "$I/c2" .x.swp; warm; rm "$I/c2/.x.swp"; lacks "$I/c2" .x.swp
warm; rmdir "$I/c2"; lacks "$I" c2; lacks "$M/rootfs" c2; lacks "$M/profiles/p/used_by" c2; t=$(ls "$M/trash"); lists "$M/trash" "$t"
warm; mv "$M/trash/$t" "$I/c3"; lists "$I" c3; lacks "$M/trash" "$t"
# A walk of removal that stops halfway: what it hid comes back.
warm; rm -f "$I/c3/state" "$I/c3/description"; lacks "$I/c3" state; wait_for 10 test -e "$I/c3/state"; lists "$I/c3" description
warm; mkdir "$M/images/i"; lists "$M/images" i; lacks "$M/images/i" image
warm; [ -s "$IMAGE_FILE" ] || cache_image; cp "$IMAGE_FILE" "$M/images/i/image"; lists "$M/images/i" image; lists "$M/images/.by-fingerprint" "$(cat "$M/images/i/fingerprint")"
warm; echo images/i >"$I/c3/source" || true
mkdir "$I/c4"; warm; echo images/i >"$I/c4/source"; lists "$M/images/i/used_by" c4; lists "$I/c4/volatile" base_image
# All of a long listing, for who was in the middle of it when the server was killed.
for i in $(seq 1 300); do echo x >"$I/c3/config/user.k$i"; done
kill_server
lists "$I/c3/config" user.k300
assert_eq "$(ls "$I/c3/config" | sort -u | wc -l)" 300
