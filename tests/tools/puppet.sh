#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Puppet's file resource sets keys, and ensure => absent with force removes stopped instances only.
# heavy
# timeout: 300
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/replay.sh"

needs_program puppet
replay_setup
cat >"$T/run" <<'END'
#!/bin/sh
# run MANIFEST: 0 nothing changed, 2 changed, 4 and 6 failed.
exec puppet apply --detailed-exitcodes --color=false --confdir="$HOME/conf" --vardir="$HOME/var" -e "$1"
END
chmod +x "$T/run"
export RUN=$T/run
apply='"$RUN" "$MANIFEST"; s=$?; [ $s = 0 ] || [ $s = 2 ]'
MANIFEST= ; export MANIFEST
NAMES=("content" "content with mode and owner" "with backup")
scenario 'puppet file content' key 'twice nosecond' 'export MANIFEST="file { \"$F\": content => \"$V\\n\" }"; '"$apply"
scenario 'puppet file with mode' key 'twice nosecond' 'export MANIFEST="file { \"$F\": content => \"$V\\n\", mode => \"0600\", owner => \"root\" }"; '"$apply"
scenario 'puppet file with backup' key 'twice nosecond stays=.*\.old' 'export MANIFEST="file { \"$F\": content => \"$V\\n\", backup => \".old\" }"; '"$apply"
NAME='second run'
KIND=key FLAGS=
prepare
"$RUN" "file { \"$F\": content => \"128MiB\\n\", mode => \"0644\" }" >"$T/said" 2>&1 || [ $? = 2 ] || wrong "$(cat "$T/said")"
"$RUN" "file { \"$F\": content => \"128MiB\\n\", mode => \"0644\" }" >"$T/said" 2>&1 || wrong "changed again: $(cat "$T/said")"
mkdir "$I/c2"
echo 1 >"$I/c2/config/limits.cpu"
"$RUN" "file { \"$I/c2\": ensure => absent, force => true, backup => false }" >"$T/said" 2>&1 || [ $? = 2 ] || wrong "$(cat "$T/said")"
assert_missing "$I/c2"
echo running >"$I/c1/state"
snapshot_of "$I/c1" >"$T/before"
"$RUN" "file { \"$I/c1\": ensure => absent, force => true, backup => false }" >"$T/said" 2>&1 || true
snapshot_of "$I/c1" | diff "$T/before" - || wrong "a running instance was changed"
assert_file "$I/c1/state" 'running\n'
replayed
