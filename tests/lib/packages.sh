# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs what is missing from lists of Debian packages. Needs root and apt; without them it says what is missing and goes on.

# missing_packages LIST...
missing_packages() {
	local p
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@" | while read -r p; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
	done
}

# install_packages LIST...: status 1 when something is missing afterwards.
install_packages() {
	local missing status
	missing=$(missing_packages "$@" | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "missing packages: $missing"
		return 1
	fi
	echo "installing: $missing"
	export DEBIAN_FRONTEND=noninteractive
	# Services that come along are not to start.
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
		chmod 755 /usr/sbin/policy-rc.d
		apt_install $missing && status=0 || status=$?
		rm -f /usr/sbin/policy-rc.d
		return "$status"
	fi
	apt_install $missing
}

apt_install() {
	local log
	log=$(mktemp)
	if ! apt-get install -y -q --no-install-recommends "$@" >"$log" 2>&1 </dev/null; then
		apt-get update -q >>"$log" 2>&1 </dev/null || true
		apt-get install -y -q --no-install-recommends "$@" >>"$log" 2>&1 </dev/null || {
			tail -5 "$log"
			rm -f "$log"
			return 1
		}
	fi
	rm -f "$log"
}

# A range of ids for unprivileged containers, which a bare Debian does not give to root. What is there stays.
give_root_ids() {
	local f
	[ "$(id -u)" = 0 ] || return 0
	for f in /etc/subuid /etc/subgid; do
		grep -q '^root:' "$f" 2>/dev/null && continue
		echo "$f has no line for root; adding root:1000000:1000000000 (this stays)"
		echo root:1000000:1000000000 >>"$f"
	done
}
