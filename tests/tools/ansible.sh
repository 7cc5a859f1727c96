#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ansible's modules set a key, a device and a description; the second run of each reports no change.
# heavy
# timeout: 300
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/replay.sh"

needs_program ansible
replay_setup
export LC_ALL=C.UTF-8 ANSIBLE_NOCOLOR=1 ANSIBLE_LOCAL_TEMP=$T/home ANSIBLE_REMOTE_TEMP=$T/home ANSIBLE_DEPRECATION_WARNINGS=0 PYTHONWARNINGS=ignore
cat >"$T/run" <<'END'
#!/bin/sh
# run MODULE ARGUMENTS: fails when the module does; the last line says whether it changed anything.
exec ansible localhost -c local -i localhost, -e ansible_python_interpreter=/usr/bin/python3 -m "$1" -a "$2"
END
chmod +x "$T/run"
export RUN=$T/run
unchanged() {
	grep -q '"changed": false' "$T/said" || wrong "second run: says it changed something"
}
ansible_edit() {
	scenario "$@"
	prepare || return 0
	once "$(good_value)"
	once "$(good_value)"
	unchanged
}
ansible_edit 'copy content' key 'twice nonewline nosecond' '"$RUN" copy "content=$V dest=$F"'
ansible_edit 'copy src' key 'twice nosecond' '"$RUN" copy "src=$N dest=$F"'
ansible_edit 'copy with mode and owner' key 'twice nosecond' '"$RUN" copy "src=$N dest=$F mode=0600 owner=root"'
ansible_edit 'copy with backup' key 'twice nosecond stays=.*~' '"$RUN" copy "src=$N dest=$F backup=yes"'
ansible_edit 'copy unsafe_writes' key 'twice nosecond' '"$RUN" copy "src=$N dest=$F unsafe_writes=yes"'
ansible_edit 'template' key 'twice nosecond' '"$RUN" template "src=$N dest=$F"'
ansible_edit 'lineinfile' device 'twice nosecond' '"$RUN" lineinfile "path=$F regexp=^parent= line=parent=$V"'
ansible_edit 'replace' device 'twice nosecond' '"$RUN" replace "path=$F regexp=^parent=.* replace=parent=$V"'
mkdir "$I/c2"
"$RUN" file "path=$I/c2 state=absent" >"$T/said" 2>&1 || wrong "file state=absent: $(tail -3 "$T/said")"
assert_missing "$I/c2"
"$RUN" file "path=$I/c2 state=directory" >"$T/said" 2>&1 || wrong "file state=directory: $(tail -3 "$T/said")"
"$RUN" file "path=$I/c2 state=directory" >"$T/said" 2>&1 && unchanged
echo running >"$I/c1/state"
! "$RUN" file "path=$I/c1 state=absent" >"$T/said" 2>&1 || wrong "file state=absent of a running instance succeeded"
assert_exists "$I/c1/config/limits.memory"
replayed
