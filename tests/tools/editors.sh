#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vim in its ways of writing, nano, emacs, busybox vi.
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/replay.sh"

replay_setup
vim='vim -u NONE -i NONE -es -n'
scenario 'vim backupcopy=auto' key 'rewrites' "$vim -c 'set backup writebackup backupcopy=auto' -c \"1s#.*#\$V#\" -c 'set nobackup' -c wq \"\$F\""
scenario 'vim backupcopy=yes' key 'rewrites stays=.*~' "$vim -c 'set writebackup backupcopy=yes' -c \"1s#.*#\$V#\" -c wq \"\$F\""
scenario 'vim backupcopy=no' key 'rewrites' "$vim -c 'set writebackup backupcopy=no' -c \"1s#.*#\$V#\" -c wq \"\$F\""
scenario 'vim with swap and undo files' key 'rewrites stays=.*\.un~|.*\.sw.' "vim -u NONE -i NONE -es -c 'set undofile swapfile' -c \"1s#.*#\$V#\" -c wq \"\$F\""
scenario 'vim device' device rewrites "$vim -c \"%s#^parent=.*#parent=\$V#\" -c wq \"\$F\""
scenario 'vim in a document' document rewrites "$vim -c \"%s#memory: [^ ]*#memory: \$V#\" -c wq \"\$F\""
if command -v nano >/dev/null && command -v script >/dev/null; then
	nano='(sleep 0.6; printf "\013%s" "$V"; sleep 0.3; printf "\017\r"; sleep 0.6; printf "\030n") | TERM=xterm timeout 10 script -qec "stty rows 24 cols 80; nano -I $NANO $F" /dev/null'
	NANO='' ; export NANO
	scenario 'nano' key 'rewrites silent' "$nano"
	NANO=-B
	scenario 'nano -B' key 'rewrites silent stays=.*~' "$nano"
fi
if command -v emacs >/dev/null; then
	emacs='emacs -Q --batch --eval "(progn $EMACS (find-file (getenv \"F\")) (erase-buffer) (insert (getenv \"V\") \"\n\") (save-buffer))"'
	EMACS='(setq make-backup-files nil)'; export EMACS
	scenario 'emacs' key rewrites "$emacs"
	EMACS='(setq make-backup-files t backup-by-copying nil backup-enable-predicate (quote (lambda (f) t)))'
	scenario 'emacs with backup' key 'rewrites stays=.*~' "$emacs"
	EMACS='(setq make-backup-files nil file-precious-flag t)'
	scenario 'emacs file-precious-flag' key rewrites "$emacs"
fi
scenario 'busybox vi' key 'rewrites silent' '(sleep 0.5; printf "ddi%s" "$V"; sleep 0.3; printf "\033"; sleep 0.3; printf ":wq\r"; sleep 0.5) | TERM=xterm timeout 10 script -qec "busybox vi $F" /dev/null'
replayed
