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
	local missing
	missing=$(missing_packages "$@" | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "missing packages: $missing"
		return 1
	fi
	echo "installing: $missing"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086
	if ! apt-get install -y -q --no-install-recommends $missing >/tmp/instfs-apt.log 2>&1 </dev/null; then
		apt-get update -q >>/tmp/instfs-apt.log 2>&1 </dev/null || true
		# shellcheck disable=SC2086
		apt-get install -y -q --no-install-recommends $missing >>/tmp/instfs-apt.log 2>&1 </dev/null || {
			tail -5 /tmp/instfs-apt.log
			return 1
		}
	fi
}
