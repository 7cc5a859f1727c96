#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs cases on Debian 12's own kernel with nothing but control groups of version 2, in a guest of QEMU whose root is this host's, read only.
#
#   tests/vm/run.sh                    what tests/run.sh runs: the list tests/vm/cases
#   tests/vm/run.sh tests/cases/lxc/start-and-stop.sh ...
#   tests/vm/run.sh --cmdline cgroup=hybrid CASE...       controllers in version 1, as older hosts have them
#   tests/vm/run.sh --cmdline cgroup=v1 CASE...           version 1 alone
#   tests/vm/run.sh --shell            a shell in the guest, on this terminal (no case runs; "exit" ends the guest)
#   options: --seconds N  the guest is ended after that (420)      --memory MIB (1536)      --out DIR  logs go there
#
# One line per case: "ok", "FAIL" or "skip", seconds, vm/NAME and a reason; logs of failed cases follow it. Status 1: something failed,
# 77: there is no guest, with the reason. Needs build-normal, apt for the kernel (once; kept in build-vm), qemu-system-x86_64 and root.
# Everything takes about ten times as long without /dev/kvm: $INSTFS_TEST_SLOW stretches the limits of time in the cases.
set -u -o pipefail
HERE=$(dirname "$(readlink -f "$0")")
SOURCE=$(dirname "$(dirname "$HERE")")
BUILDS=${INSTFS_BUILD_ROOT:-$SOURCE}
SECONDS_MAX=420 MEMORY=1536 BY_HAND= CMDLINE= OUT= CASES=()

skip() {
	echo "skipped: $*"
	exit 77
}

while [ $# -gt 0 ]; do
	case $1 in
	--cmdline) CMDLINE=$2; shift ;;
	--seconds) SECONDS_MAX=$2; shift ;;
	--memory) MEMORY=$2; shift ;;
	--out) OUT=$2; shift ;;
	--shell) BY_HAND=1 ;;
	-*) sed -n '3,15s/^# \?//p' "$0"; exit 2 ;;
	*) CASES+=("$(realpath --relative-to="$SOURCE" "$1")") ;;
	esac
	shift
done
cd "$SOURCE" || exit 1
[ ${#CASES[@]} -gt 0 ] || mapfile -t CASES < <(sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$HERE/cases")
. "$HERE/kernel.sh"

[ "$(id -u)" = 0 ] || skip "needs root"
command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86_64 is not installed"
[ -x "$BUILDS/build-normal/instfs" ] || skip "build-normal is not built"
have_kernel

WORK=$(mktemp -d "${INSTFS_TEST_TMP:-/var/tmp}/instfs-vm.XXXXXX")
QEMU=
trap '[ -z "$QEMU" ] || kill -KILL "$QEMU" 2>/dev/null; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM HUP
OUT=${OUT:-$WORK/out}
mkdir -p "$OUT"
make_initramfs "$WORK/initramfs"
make_disks "$WORK"

ACCEL=tcg,thread=multi SLOW=6
if [ -w /dev/kvm ]; then
	ACCEL=kvm SLOW=1
fi
echo "$HERE/guest.sh" >"$OUT/guest"
printf '%s\n' "${CASES[@]}" >"$OUT/cases"
printf 'export %s=%q\n' SOURCE "$SOURCE" INSTFS_BUILD_ROOT "$BUILDS" INSTFS_TEST_SLOW "${INSTFS_TEST_SLOW:-$SLOW}" BY_HAND "$BY_HAND" >"$OUT/settings"

share() {
	printf '%s\n' -virtfs "local,id=$1,path=$2,mount_tag=$1,security_model=none,multidevs=remap$3"
}

# The console is a file (or the terminal), the second serial port is the standard output: one line per case.
start_guest() {
	local console=file:$OUT/console.txt results=stdio args
	[ -z "$BY_HAND" ] || console=mon:stdio results=null
	mapfile -t args < <(share host / ,readonly=on; share modules "$MODULES" ,readonly=on; share out "$OUT" "")
	exec qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -machine q35 -accel "$ACCEL" -cpu max -smp 2 -m "$MEMORY" \
		-kernel "$KERNEL" -initrd "$WORK/initramfs" -append "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on $CMDLINE" \
		-drive "file=$WORK/disk,if=virtio,format=raw,cache=unsafe" -drive "file=$WORK/swap,if=virtio,format=raw,cache=unsafe" \
		-serial "$console" -serial "$results" "${args[@]}"
}

if [ -n "$BY_HAND" ]; then
	(start_guest)
	exit
fi

show_log() {
	[ ! -e "$OUT/$1" ] || tail -n "$2" "$OUT/$1" | tr -d '\r' | sed "s|^|    $3: |"
}

FAILED= DONE= SEEN=()
one_case() {
	local status=$1 hundredths=$2 name=$3 reason=$4 word=ok
	SEEN+=("$name")
	case $status in
	0) ;;
	77) word=skip ;;
	124 | 137) word=FAIL reason="no end in time${reason:+; $reason}" ;;
	*) word=FAIL reason="status $status${reason:+; $reason}" ;;
	esac
	printf '%-4s %6s s  vm/%s%s\n' "$word" "$((hundredths / 100)).$(printf %02d $((hundredths % 100)))" "$name" "${reason:+ ($reason)}"
	[ "$status" = 0 ] && [ -n "$reason" ] && show_log "${name//\//_}.first.txt" 20 "vm/$name, first try"
	if [ "$word" = FAIL ]; then
		FAILED=1
		show_log "${name//\//_}.txt" 60 "vm/$name"
	fi
}

mkfifo "$WORK/results"
(start_guest) </dev/null >"$WORK/results" 2>"$OUT/qemu.txt" &
QEMU=$!
END=$((SECONDS + SECONDS_MAX))
while [ "$SECONDS" -lt "$END" ]; do
	read -r -t $((END - SECONDS)) mark what more || break
	[ "$mark" = @@ ] || continue
	case $what in
	booted) echo "guest: ${more%$'\r'}" ;;
	lost) echo "guest: lost: $more"; break ;;
	done*) DONE=1; break ;;
	*) read -r hundredths name reason <<<"${more%$'\r'}"; one_case "$what" "$hundredths" "$name" "$reason" ;;
	esac
done <"$WORK/results"
[ -z "$DONE" ] || timeout 20 tail --pid="$QEMU" -f /dev/null

# Whatever has no line did not run, or did not end.
for c in "${CASES[@]}"; do
	name=${c#tests/}
	name=${name#cases/}
	name=${name%.sh}
	[[ " ${SEEN[*]} " == *" $name "* ]] || one_case 124 0 "$name" "the guest did not come to its end"
done
if [ -z "$DONE" ]; then
	show_log console.txt 30 "vm console"
	show_log qemu.txt 10 "vm qemu"
fi
[ -z "$FAILED" ]
