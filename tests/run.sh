#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Everything in one command: sudo tests/run.sh [-k PATTERN] [OPTIONS]
#
#   -k PATTERN    only tests whose name matches this extended regular expression
#   --fast        no thread sanitizer, fuzzing, static analysis, configuration managers, restart tests and guest (tests/vm)
#   --no-install  never call apt
#   --no-build    use what was built before
#   --list        only print the names
#
# Builds go to build-normal/, build-asan/, build-tsan/ and build-fuzz/ (below INSTFS_BUILD_ROOT, default: here), logs to build-normal/tests/log.
# The last line counts; the exit status is 1 when anything failed.
set -u -o pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
export LC_ALL=C INSTFS_BUILD_ROOT=${INSTFS_BUILD_ROOT:-$PWD}
PATTERN=. FAST= INSTALL=1 BUILD=1 LIST=
while [ $# -gt 0 ]; do
	case $1 in
	-k) PATTERN=$2; shift ;;
	--fast) FAST=1 ;;
	--no-install) INSTALL= ;;
	--no-build) INSTALL= BUILD= ;;
	--list) LIST=1 ;;
	*) sed -n '3,12s/^# \?//p' "$0"; exit 2 ;;
	esac
	shift
done
. tests/lib/packages.sh
. tests/lib/build.sh
. tests/lib/pool.sh

JOBS=$(nproc)
LOGS=$INSTFS_BUILD_ROOT/build-normal/tests/log
RESULTS=$(mktemp -d)
trap 'rm -rf "$RESULTS"' EXIT
trap 'pool_kill; exit 130' INT TERM
export INSTFS_LOGS=$LOGS RESULTS
mkdir -p "$LOGS"
find "$LOGS" -type f -delete

names() { find "$@" -name '*.sh' -not -name lib.sh -type f -perm -u+x 2>/dev/null | sort; }
LINT=$(names tests/lint)
CASES=$(names tests/cases -not -path '*/lxc/*' | xargs -r grep -LE '^# needs: lxc')
SERIAL=$(names tests/cases | xargs -r grep -lE '^# needs: lxc'; names tests/cases/lxc; names tests/nfs)
TOOLS=$(names tests/tools)
RESTART=$(names tests/restart)
SERIAL=$(sort -u <<<"$SERIAL")
if [ -n "$FAST" ]; then
	RESTART=
	LINT=$(grep -vE 'cppcheck|clang-tidy' <<<"$LINT")
	TOOLS=$(xargs -r grep -LE '^# heavy' <<<"$TOOLS")
fi

if [ -n "$LIST" ]; then
	printf '%s\n' $LINT $CASES $SERIAL $TOOLS $RESTART | grep -E -e "$PATTERN"
	exit 0
fi

START=$SECONDS
if [ -n "$INSTALL" ]; then
	install_packages tests/packages.txt examples/packages.txt || true
	give_root_ids
	[ -n "$FAST" ] || install_packages tests/packages-heavy.txt || true
fi
[ -z "$BUILD" ] || build_all
pool lint "$JOBS" 600 $LINT
run_units
pool cases "$JOBS" 120 $CASES
pool tools "$JOBS" 180 $TOOLS
pool serial 1 120 $SERIAL
pool restart 1 300 $RESTART
[ -n "$FAST" ] || run_guest
[ -n "$FAST" ] || run_fuzzers

passed=$(cat "$RESULTS"/* 2>/dev/null | grep -c '^ok ')
failed=$(cat "$RESULTS"/* 2>/dev/null | grep -c '^FAIL ')
skipped=$(cat "$RESULTS"/* 2>/dev/null | grep -c '^skip ')
echo
if [ "$failed" != 0 ]; then
	echo "failed:"
	cat "$RESULTS"/* | sed -n 's/^FAIL /	/p'
fi
echo "$((SECONDS - START)) seconds; logs in $LOGS"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
