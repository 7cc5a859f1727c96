# SPDX-License-Identifier: LGPL-2.1-or-later
# For the cases of keys, after case.sh.

# group CONTROLLER INSTANCE: the directory of the instance's group; empty: this host has no such controller.
group() {
	local root
	root=$(awk -v c="$1" '$3 == "cgroup" && $4 ~ "(^|,)" c "(,|$)" { print $2; exit }' /proc/mounts)
	if [ -z "$root" ]; then
		root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
		grep -qw "$1" "$root/cgroup.controllers" 2>/dev/null || return 0
	fi
	echo "$root/$(cat "$I/$2/runtime/cgroup")"
}

# An empty value unsets at once; a removal only when nothing else becomes of it.
unset_key() { echo >"$I/$1/config/$2"; }
set_key() { echo "$3" >"$I/$1/config/$2"; }
effective() { cat "$I/$1/runtime/effective"; }
