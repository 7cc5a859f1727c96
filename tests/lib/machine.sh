# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by cases with virtual machines. machine_image NAME: images/NAME from Debian's kernel and busybox, or skips.
. "$TESTS/vm/kernel.sh"

machine_ready() {
	needs_root
	needs_program qemu-system-x86_64 qemu-img setpriv
	have_kernel
}

machine_image() {
	"$MKIMAGE" vm --kernel="$KERNEL" --modules="$MODULES/$(ls "$MODULES")" "$T/vm.tar" >>"$LOG" 2>&1
	mkdir "$M/images/$1"
	cp "$T/vm.tar" "$M/images/$1/image"
	wait_for 30 test -s "$M/images/$1/fingerprint"
}

# booted NAME N: its console says that it came up for the Nth time.
booted() {
	wait_for 60 grep -q "^boot number $2" "$I/$1/console"
}

# types NAME COMMAND PATTERN: the shell on the console answers.
types() {
	echo "$2" >"$I/$1/console"
	wait_for 20 grep -q "$3" "$I/$1/console"
}
