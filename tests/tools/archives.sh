#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# tar, bsdtar, cpio and rsync unpack and synchronise over a key that exists.
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/replay.sh"

replay_setup
pack='rm -rf p && mkdir p && cp "$N" "p/$B"'
scenario 'tar x' key rewrites "$pack && tar -C p -cf - \"\$B\" | tar -C \"\$D\" -xf -"
scenario 'tar x --overwrite' key rewrites "$pack && tar -C p -cf - \"\$B\" | tar -C \"\$D\" --overwrite -xf -"
scenario 'tar x --unlink-first' key rewrites "$pack && tar -C p -cf - \"\$B\" | tar -C \"\$D\" --unlink-first -xf -"
scenario 'bsdtar x' key 'rewrites silent' "$pack && bsdtar -C p -cf - \"\$B\" | bsdtar -C \"\$D\" -xf -"
scenario 'cpio -id' key rewrites "$pack && (cd p && echo \"\$B\" | cpio -o --quiet) | (cd \"\$D\" && cpio -iu --quiet)"
scenario 'rsync' key rewrites "$pack && rsync -I \"p/\$B\" \"\$F\""
scenario 'rsync -a' key twice "$pack && touch -d '2020-01-02 03:04:05' \"p/\$B\" && rsync -a \"p/\" \"\$D/\""
scenario 'rsync -c' key 'rewrites' "$pack && rsync -c \"p/\$B\" \"\$F\""
scenario 'rsync --inplace' key rewrites "$pack && rsync -I --inplace \"p/\$B\" \"\$F\""
scenario 'rsync --delay-updates' key 'rewrites stays=\.~tmp~' "$pack && rsync -I --delay-updates \"p/\$B\" \"\$D/\""
scenario 'rsync -b' key 'rewrites stays=.*~' "$pack && rsync -I -b \"p/\$B\" \"\$D/\""
scenario 'rsync --fsync' key rewrites "$pack && rsync -I --fsync \"p/\$B\" \"\$F\""
scenario 'cp -r of a directory' key twice "$pack && cp -r p/. \"\$D/\""
replayed
