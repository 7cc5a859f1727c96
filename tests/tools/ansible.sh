#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What Ansible's modules do to a key, a device and a document, twice (the second changes nothing); a playbook makes, changes and removes
# an instance, and --check --diff says so before.
# heavy
# timeout: 300
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/replay.sh"

needs_program ansible-playbook
replay_setup
export LC_ALL=C.UTF-8 ANSIBLE_NOCOLOR=1 ANSIBLE_LOCAL_TEMP=$T/home ANSIBLE_REMOTE_TEMP=$T/home ANSIBLE_DEPRECATION_WARNINGS=0 PYTHONWARNINGS=ignore
# run MODULE NAME=VALUE...: the module itself, without the minutes that a run of Ansible for each would take. The playbook below is whole.
cat >"$T/run" <<'END'
#!/usr/bin/python3
import importlib, json, sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": dict(a.split("=", 1) for a in sys.argv[2:])}).encode()
importlib.import_module("ansible.modules." + sys.argv[1]).main()
END
chmod +x "$T/run"
export RUN=$T/run SAYS_UNCHANGED='"changed": false'
copy='cp "$N" new; "$RUN" copy "src=$PWD/new" "dest=$F"'
scenario 'copy' key twice "$copy"
scenario 'copy with mode and owner' key twice "$copy mode=0600 owner=root"
scenario 'copy with backup' key 'twice stays=.*~' "$copy backup=yes"
scenario 'copy unsafe_writes' key twice "$copy unsafe_writes=yes"
scenario 'lineinfile' device twice '"$RUN" lineinfile "path=$F" regexp=^parent= "line=parent=$V"'
scenario 'replace' device twice '"$RUN" replace "path=$F" "regexp=^parent=.*" "replace=parent=$V"'
scenario 'lineinfile in a document' document twice '"$RUN" lineinfile "path=$F" "regexp=^(  limits.memory:) \S+(.*)" "line=\1 $V\2" backrefs=yes'
own_want() { sed "/^config:/a\\  # BEGIN ours\n  limits.hugepages.2MB: $1\n  # END ours" "$T/old"; }
scenario 'blockinfile in a document' document 'twice own' '"$RUN" blockinfile "path=$F" insertafter=^config: "block=  limits.hugepages.2MB: $V" "marker=  # {mark} ours"'
replayed

# play CHANGED [OPTION...]: examples/site.yml for one instance; so many tasks say that they change something.
play() {
	ansible-playbook -i localhost, -c local "$SOURCE/examples/site.yml" -e "tree=$M source=none ansible_python_interpreter=/usr/bin/python3" \
		-e '{instances: {web1: {config: {limits.memory: "{{ memory }}"}}}}' "${@:2}" >"$T/said" 2>&1 || fail "$(cat "$T/said")"
	assert_match "$(tail -2 "$T/said")" "changed=$1 .*failed=0"
}
w=$I/web1
play 4
assert_eq "$(cat "$w"/{source,state,config/limits.memory})" $'none\nrunning\n128MiB'
play 1 --check --diff -e memory=256MiB
assert_match "$(cat "$T/said")" '^-.*limits.memory: 128MiB'
assert_file "$w/config/limits.memory" '128MiB\n'
play 1 -e memory=256MiB
assert_file "$w/config/limits.memory" '256MiB\n'
play 0 -e memory=256MiB
assert_match "$("$RUN" file "path=$w" state=absent _ansible_check_mode=true)" '"changed": true'
! "$RUN" file "path=$w" state=absent >"$T/said" || fail "removed a running instance"
assert_eq "$(cat "$w"/{state,config/limits.memory})" $'running\n256MiB'
play 2 -e wanted=absent
assert_missing "$w"
