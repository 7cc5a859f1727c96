#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# git config, crudini and augeas edit a description in ini form and a device.
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/replay.sh"

replay_setup
TEXT_OLD=$'[a]\n\tk = alpha' TEXT_GOOD=beta
own_want() { printf '[a]\n\tk = %s\n' "$1"; }
scenario 'git config' text 'rewrites own nobad' 'git config --file "$F" a.k "$V"'
scenario 'git config without a change' text 'rewrites own nobad' 'git config --file "$F" --replace-all a.k "$V"'
own_want() { printf '[a]\nk = %s\n' "$1"; }
TEXT_OLD=$'[a]\nk = alpha'
if command -v crudini >/dev/null; then
	scenario 'crudini --set' text 'rewrites own noerror' 'crudini --set "$F" a k "$V"'
	scenario 'crudini --inplace' text 'rewrites own noerror' 'crudini --inplace --set "$F" a k "$V"'
fi
if command -v augtool >/dev/null; then
	aug='augtool --noautoload $AUG --transform "Simplevars.lns incl $F" --autosave set "/files$F/parent" "$V"'
	AUG=''; export AUG
	scenario 'augtool' device twice "$aug"
	AUG=--backup
	scenario 'augtool --backup' device 'rewrites stays=.*\.augsave' "$aug"
	AUG=--new
fi
replayed
