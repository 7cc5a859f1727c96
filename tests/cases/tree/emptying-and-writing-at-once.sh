#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A key that is emptied and written again right away holds the new value, by whatever way it was emptied.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
f=$I/c1/config/limits.memory
for i in $(seq 60); do
	: >"$f"
	echo "${i}MiB" >"$f"
	assert_file "$f" "${i}MiB\n"
	truncate -s 0 "$f"
	echo "${i}00MiB" >"$f"
	assert_file "$f" "${i}00MiB\n"
	: >"$f"
	echo "${i}MiB" >>"$f"
	assert_file "$f" "${i}MiB\n"
	rm "$f"
	echo "${i}00MiB" >>"$f"
	assert_file "$f" "${i}00MiB\n"
done
sleep 1.5
assert_file "$f" "6000MiB\n"
