#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sed -i, perl -i, gawk -i inplace, ed, ex, patch, and their busybox relatives.
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/replay.sh"

replay_setup
scenario 'sed -i' key rewrites 'sed -i "s|.*|$V|" "$F"'
scenario 'sed -i.bak' key 'rewrites stays=.*\.bak nobad' 'sed -i.bak "s|.*|$V|" "$F"'
scenario 'sed -i device' device rewrites 'sed -i "s|^parent=.*|parent=$V|" "$F"'
scenario 'sed -i in a document' document rewrites 'sed -i "s|limits.memory: [^ ]*|limits.memory: $V|" "$F"'
scenario 'sed -i --follow-symlinks' key rewrites 'sed -i --follow-symlinks "s|.*|$V|" "$F"'
scenario 'busybox sed -i' key rewrites 'busybox sed -i "s|.*|$V|" "$F"'
scenario 'perl -pi' key 'rewrites silent' 'perl -pi -e "s|.*|\$ENV{V}|" "$F"'
scenario 'perl -pi.bak' key 'rewrites silent stays=.*\.bak' 'perl -pi.bak -e "s|.*|\$ENV{V}|" "$F"'
scenario 'perl open print close' key twice 'perl -e "open F, q(>), \$ENV{F} or die; print F \"\$ENV{V}\\n\"; close F or die"'
scenario 'gawk -i inplace' key rewrites 'gawk -i inplace "{ print ENVIRON[\"V\"] }" "$F"'
scenario 'ed' key twice 'printf "1c\n%s\n.\nw\nq\n" "$V" | ed -s "$F"'
scenario 'ed device' device twice 'printf "/^parent=/c\nparent=%s\n.\nw\nq\n" "$V" | ed -s "$F"'
scenario 'patch' key 'rewrites nosecond stays=.*\.(orig|rej)' 'diff -u "$F" "$N" >p || true; patch -s "$F" p'
scenario 'ex' key twice 'ex -s -u NONE -c "set backupcopy=yes nobackup nowritebackup noswapfile" -c "1s#.*#$V#" -c wq "$F"'
replayed
