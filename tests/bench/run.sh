#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# All benchmarks one after the other: sudo tests/bench/run.sh. Needs the normal build (tests/run.sh --fast makes it).
cd "$(dirname "$0")" || exit 1
export INSTFS_BUILD_ROOT=${INSTFS_BUILD_ROOT:-$(dirname "$(dirname "$PWD")")}
status=0
for b in tree running keys containers proc; do
	echo "== $b"
	"./$b.sh" || status=1
done
exit "$status"
