#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# tee, dd, cp, install, mv, ln, truncate, sort -o and their relatives of busybox.
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/replay.sh"

replay_setup
scenario 'tee' key twice 'tee "$F" <"$N" >/dev/null'
scenario 'busybox tee' key 'twice' 'busybox tee "$F" <"$N" >/dev/null'
scenario 'dd' key twice 'dd if="$N" of="$F" status=none'
scenario 'dd bs=1' key 'twice silent' 'dd if="$N" of="$F" bs=1 status=none'
scenario 'dd conv=fsync' key twice 'dd if="$N" of="$F" conv=fsync status=none'
scenario 'dd conv=notrunc,fsync' text 'twice nobad' 'dd if="$N" of="$F" conv=notrunc,fsync status=none; truncate -s "$(stat -c %s "$N")" "$F"; test "$(cat "$F")" = "$V"'
scenario 'head >' key twice 'head -n 1 "$N" >"$F"'
scenario 'cp' key twice 'cp "$N" "$F"'
scenario 'cp -f' key twice 'cp -f "$N" "$F"'
scenario 'cp -p' key rewrites 'cp -p "$N" "$F"'
scenario 'cp -a' key rewrites 'cp -a "$N" "$F"'
scenario 'cp --remove-destination' key rewrites 'cp --remove-destination "$N" "$F"'
scenario 'cp -b' key 'rewrites stays=.*~' 'cp -b "$N" "$F"'
scenario 'busybox cp' key twice 'busybox cp "$N" "$F"'
scenario 'install' key rewrites 'install -m 644 "$N" "$F"'
scenario 'install -C' key rewrites 'install -C -m 644 "$N" "$F"'
scenario 'install -b' key 'rewrites stays=.*~' 'install -b -m 644 "$N" "$F"'
scenario 'mv from another file system' key rewrites 'cp "$N" new && mv new "$F"'
scenario 'mv -f in the directory' key rewrites 'cp "$N" "$D/.$B.new" && mv -f "$D/.$B.new" "$F" || { rm -f "$D/.$B.new"; false; }'
scenario 'mv -b in the directory' key 'rewrites stays=.*~' 'cp "$N" "$D/.$B.new" && mv -b "$D/.$B.new" "$F" || { rm -f "$D/.$B.new"; false; }'
scenario 'cp with a link to it' key twice 'ln -sf "$F" link && cp "$N" link'
scenario 'sort -o' key twice 'sort -o "$F" "$N"'
scenario 'sponge' key rewrites 'sponge "$F" <"$N"'
scenario 'split-like truncate and append' key 'rewrites silent nobad' 'truncate -s 0 "$F" && cat "$N" >>"$F"'
scenario 'unlink and create' key rewrites 'rm "$F" && cat "$N" >"$F"'
command -v curl >/dev/null && scenario 'curl file url' key twice 'curl -s "file://$N" -o "$F"'
replayed
