# SPDX-License-Identifier: LGPL-2.1-or-later
# For tests of the virtual files of containers, after case.sh.

# views_pid holder|server: the process that serves the views of this test's daemon, or looks after that one.
views_pid() {
	local pattern="--internal-(views|holder [a-z]+) $(run_dir)"
	[ "$1" = holder ] || pattern="--internal-server - $(run_dir)/views\$"
	pgrep -f -- "$pattern"
}

# guest NAME COMMAND...: in the container, as its root, without its control groups.
guest() {
	local pid
	pid=$(cat "$I/$1/runtime/pid") || return 1
	guest_of "$pid" "${@:2}"
}
guest_of() {
	local user=(-U --setuid 0 --setgid 0)
	[ "$(readlink "/proc/$1/ns/user")" != "$(readlink /proc/self/ns/user)" ] || user=()
	nsenter -t "$1" -m -p "${user[@]}" "${@:2}"
}

# is_view NAME PATH: that file of the container comes from a living view server.
is_view() {
	grep -qE " /$2 [^-]* - fuse\.instfs " "/proc/$(cat "$I/$1/runtime/pid")/mountinfo" && guest "$1" sh -c "cat /$2 >/dev/null || ls /$2 >/dev/null"
}
