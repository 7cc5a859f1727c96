#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --shutdown stops by boot.stop.priority and kills what does not end; after a boot what ran starts by priority and boot.after.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
for c in a b c d off; do
	make_instance $c
done
echo 10 >"$I/a/config/boot.stop.priority"
echo 5 >"$I/b/config/boot.stop.priority"
echo 20 >"$I/c/config/boot.autostart.priority"
echo 'a, d' >"$I/c/config/boot.after"
echo 1 >"$I/d/config/boot.autostart.delay"
echo false >"$I/b/config/boot.autostart"
for c in a b c d; do
	echo running >"$I/$c/state"
done
events() { # TYPE: names in the order of such events since the last call
	"$PYTHON" - "$M/events.log" "$1" "$T/seen" <<'END'
import json, os, sys
log, kind, seen = sys.argv[1:]
last = int(open(seen).read()) if os.path.exists(seen) else 0
lines = [json.loads(l) for l in open(log)]
print(' '.join(l['name'] for l in lines if l['seq'] > last and l['type'] == kind))
open(seen, 'w').write(str(lines[-1]['seq']))
END
}
events none >/dev/null
kill -PWR "$HOLDER"
for ((i = 0; i < 200; i++)); do
	kill -0 "$HOLDER" 2>/dev/null || break
	sleep 0.05
done
wait "$HOLDER" || true
HOLDER=
assert_eq "$(sed -n 's/.*"state": "\(.*\)".*/\1/p' "$S/instances/a/run.json")" stopped

# Not booted yet: they stay as they are.
start_instfs
assert_eq "$(cat "$I"/{a,b,c,d}/state | sort -u)" stopped
assert_match "$(sed -n 's/.*instance-stopped.*"name": *"\([a-z]*\)".*/\1/p' "$M/events.log" | tr '\n' ' ')" '^(a b [cd] [cd] )?$'
stop_instfs
sed -i 's/"boot_id": "[^"]*"/"boot_id": "another"/' "$S"/instances/*/run.json
echo another >"$S/boot-id"
rm -f "$T/seen"
start_instfs
wait_file 10 "$I/c/state" running
assert_eq "$(cat "$I"/{a,d}/state | sort -u)" running
assert_file "$I/b/state" 'stopped\n'
assert_file "$I/off/state" 'stopped\n'
assert_match "$(events instance-started)" '(a d|d a) c$'
