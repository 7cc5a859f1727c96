#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# metrics has one block a metric with type and help lines, and ends as the format wants.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1 running
make_instance c2
text=$(cat "$M/metrics")
grep -q '^# TYPE ' <<<"$text"
grep -q '"c1"' <<<"$text"
! grep -vE '^(#|[a-z_]+(\{[^}]*\})? -?[0-9.e+-]+|$)' <<<"$text" || fail "lines of another shape"
assert_eq "$(tail -1 <<<"$text")" '# EOF'
