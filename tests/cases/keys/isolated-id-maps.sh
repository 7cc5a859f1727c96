#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Isolated instances have ids of the host that nobody else has, keep them, and change at the next start without a chown.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/keys.sh"

lxc_ready
start_instfs
for i in a b c; do make_instance "$i" running; done
uid() { stat -c %u "/proc/$(cat "$I/$1/runtime/pid")"; }
assert_eq "$(uid a)" "$(uid b)"
run a 'touch /mine; chown 5:6 /mine' >/dev/null
set_key a security.idmap.isolated true
set_key b security.idmap.isolated true
set_key b security.idmap.size 100000
assert_eq "$(uid a)" "$(uid c)" "until the next start the host's id of root in a"
assert_match "$(cat "$I/a/runtime/pending")" '^security.idmap.isolated$'
for i in a b; do
	echo restarted force >"$I/$i/state"
done
distance() { local d=$(($1 - $2)); echo "${d#-}"; }
[ "$(distance "$(uid a)" "$(uid c)")" -ge 65536 ] || fail "a and c overlap"
[ "$(distance "$(uid b)" "$(uid c)")" -ge 65536 ] || fail "b and c overlap"
[ "$(distance "$(uid a)" "$(uid b)")" -ge 65536 ] || fail "a and b overlap"
assert_eq "$(cat "$I/a/volatile/idmap")" "both 0-65535 $(uid a)-$(($(uid a) + 65535))"
assert_match "$(cat "$I/b/volatile/idmap")" '^both 0-99999 '
assert_eq "$(run a 'stat -c "%u %g" /mine')" "5 6"
assert_eq "$(stat -c '%u %g' "$M/rootfs/a/mine")" "5 6"
assert_eq "$(run b 'cat /proc/self/uid_map' | awk '{ print $3 }')" 100000
had=$(uid a)
echo restarted force >"$I/a/state"
assert_eq "$(uid a)" "$had" "the range after a restart"
set_key c security.idmap.base "$had"
set_key c security.idmap.isolated true
assert_fails 'EBUSY' "$SYS" open "$I/c/state" w , write 'restarted force\n'
assert_error_matches "$I/c/error" 'other instances'
assert_write_fails EPERM "$I/c/config/security.idmap.base" 4294900000
assert_write_fails ERANGE "$I/c/config/security.idmap.size" 1000
assert_eq "$(cat "$I/c/runtime/warnings")" ""
unset_key c security.idmap.isolated
wait_for 4 grep -q '^security.idmap.base: without effect' "$I/c/runtime/warnings"
# Several at the same time do not get the same.
for i in d e f g; do
	make_instance "$i"
	set_key "$i" security.idmap.isolated true
	echo running async >"$I/$i/state"
done
for i in d e f g; do
	wait_for 30 eval "[ \"\$(cat '$I/$i/state')\" = running ]"
done
assert_eq "$(for i in a b d e f g; do uid "$i"; done | sort -u | wc -l)" 6 "number of different ranges"
