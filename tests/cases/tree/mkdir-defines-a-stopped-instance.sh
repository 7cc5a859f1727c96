#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mkdir makes an empty, stopped instance with the profile default; nothing is configured, so no key has a file.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$I/c1"
assert_file "$I/c1/state" 'stopped\n'
assert_file "$I/c1/profiles" 'default\n'
assert_file "$I/c1/type" 'container\n'
assert_file "$I/c1/ephemeral" 'false\n'
assert_eq "$(ls "$I/c1/config")" ""
assert_eq "$(ls "$I/c1/devices")" ""
assert_file "$I/c1/error" ''
assert_file "$I/c1/progress" ''
assert_match "$(cat "$I/c1/created")" '^20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T'
assert_match "$(cat "$I/c1/volatile/uuid")" '^[0-9a-f]{8}-'
assert_fails EEXIST mkdir "$I/c1"
mkdir -p "$I/c1"
