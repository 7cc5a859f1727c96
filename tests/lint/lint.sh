# SPDX-License-Identifier: LGPL-2.1-or-later
# For the lint tests: `offence FILE:LINE TEXT` and, at the end, `verdict`.
set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
export LC_ALL=C
OFFENCES=$(mktemp)
trap 'rm -f "$OFFENCES"' EXIT

offence() { echo "$*" >>"$OFFENCES"; }
# Sources of the product, and of everything; works in a tree without .git as well.
product() { find fs backends mkimage -name '*.[ch]' -type f | sort; }
everything() { find fs backends mkimage tests examples doc .ci -type f -not -name '*.pyc' | sort; }

verdict() {
	[ -s "$OFFENCES" ] || exit 0
	sort -u "$OFFENCES" | head -60
	echo "$(sort -u "$OFFENCES" | wc -l) offences"
	exit 1
}
