# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs tests, a few at once, each with a time limit; prints a line for each and keeps it in $RESULTS.

# result ok|FAIL|skip SECONDS NAME [REASON]: one short write, so that lines of parallel tests do not mix.
result() {
	local n=${3//\//_}
	printf '%s %s\n' "$1" "$3" >"$RESULTS/$n"
	printf '%-4s %6s s  %s%s\n' "$1" "$2" "$3" "${4:+ ($4)}"
}

elapsed() {
	local now=${EPOCHREALTIME/./}
	printf '%d.%02d' $(((now - $1) / 1000000)) $(((now - $1) % 1000000 / 10000))
}

# run_one TIMEOUT SCRIPT. Each script may ask for another limit: "# timeout: SECONDS".
run_one() {
	local limit=$1 script=$2 name=${2#tests/} log start status own first=
	name=${name#cases/}
	name=${name%.sh}
	log=$LOGS/${name//\//_}.txt
	own=$(sed -n '1,10s/^# timeout: \([0-9]*\).*/\1/p' "$script")
	start=${EPOCHREALTIME/./}
	setsid --wait timeout -k 20 "${own:-$limit}" "./$script" >"$log" 2>&1 </dev/null
	status=$?
	# Tests of a busy system can be late. A second try that succeeds counts, and is told with what the first one said.
	if [ "$status" != 0 ] && [ "$status" != 77 ] && [[ $script != tests/lint/* ]]; then
		tail -n 20 "$log" | sed "s|^|    $name, first try: |"
		first="second try, the first ended with status $status"
		mv "$log" "${log%.txt}.first.txt"
		setsid --wait timeout -k 20 "${own:-$limit}" "./$script" >"$log" 2>&1 </dev/null
		status=$?
	fi
	case $status in
	0) result ok "$(elapsed "$start")" "$name" "$first" ;;
	77) result skip "$(elapsed "$start")" "$name" "$(sed -n 's/^skipped: //p' "$log" | tail -1)" ;;
	124 | 137) result FAIL "$(elapsed "$start")" "$name" "no end within ${own:-$limit} s" ;;
	*) result FAIL "$(elapsed "$start")" "$name" "status $status" ;;
	esac
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		echo "---- to repeat: sudo tests/run.sh -k '^$script\$' --no-install" >>"$log"
		tail -n 60 "$log" | sed "s|^|    $name: |"
	fi
}

# in_pool JOBS COMMAND...: in the background, as soon as fewer than JOBS of them run. pool_wait: until all have ended.
POOL=() RUNNING=0
in_pool() {
	if [ "$RUNNING" -ge "$1" ]; then
		wait -n
		RUNNING=$((RUNNING - 1))
	fi
	"${@:2}" &
	POOL+=($!)
	RUNNING=$((RUNNING + 1))
}

pool_wait() {
	wait
	POOL=() RUNNING=0
}

pool_kill() {
	local p
	for p in "${POOL[@]}"; do
		kill -TERM "$p" 2>/dev/null
	done
}

# pool TITLE JOBS TIMEOUT SCRIPT...
pool() {
	local title=$1 jobs=$2 limit=$3 s
	shift 3
	set -- $(printf '%s\n' "$@" | grep -E -e "$PATTERN")
	[ $# -gt 0 ] || return 0
	echo "== $title"
	for s; do
		in_pool "$jobs" run_one "$limit" "$s"
	done
	pool_wait
}

# The cases of tests/vm, all in one guest, which prints its own lines.
run_guest() {
	local word seconds name start=${EPOCHREALTIME/./} log=$LOGS/vm.txt status
	grep -qE -e "$PATTERN" <(echo tests/vm; sed 's|^tests/cases/|tests/vm/|' tests/vm/cases) || return 0
	echo "== vm"
	tests/vm/run.sh --out "$LOGS/vm" 2>&1 </dev/null | tee "$log"
	status=${PIPESTATUS[0]}
	while read -r word seconds _ name _; do
		[[ $name != vm/* ]] || printf '%s %s\n' "$word" "$name" >"$RESULTS/${name//\//_}"
	done <"$log"
	case $status in
	0) ;;
	77) result skip "$(elapsed "$start")" vm "$(sed -n 's/^skipped: //p' "$log" | tail -1)" ;;
	*) grep -q '^FAIL ' "$log" || result FAIL "$(elapsed "$start")" vm "status $status" ;;
	esac
}
