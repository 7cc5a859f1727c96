#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# CFEngine's edit_line and copy_from change a key and a device.
# heavy
# timeout: 300
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/replay.sh"

needs_program cf-agent
replay_setup
mkdir -p "$T/cf/inputs" "$T/cf/bin"
ln -s "$(command -v cf-promises)" "$T/cf/bin/"
chmod -R 700 "$T/cf"
cat >"$T/cf/edit.cf" <<'END'
bundle agent main
{
  vars:
      "f" string => getenv("F", "4096");
      "v" string => getenv("V", "4096");
      "n" string => getenv("N", "4096");
  files:
    edit::
      "$(f)" edit_line => one("$(v)"), edit_defaults => empty;
    copy::
      "$(f)" copy_from => from("$(n)");
}
bundle edit_line one(v)
{
  insert_lines:
      "$(v)";
}
body edit_defaults empty
{
  empty_file_before_editing => "true";
  edit_backup => "false";
}
body copy_from from(n)
{
  source => "$(n)";
  compare => "digest";
  copy_backup => "false";
}
END
chmod 600 "$T/cf/edit.cf"
export CF=$T/cf
run='WORKDIR=$CF cf-agent -K -I -w "$CF" -D MODE -f "$CF/edit.cf"'
scenario 'cfengine edit_line' key 'rewrites silent stays=.*cf-.*' "${run/MODE/edit}"
scenario 'cfengine copy_from' key 'rewrites silent stays=.*cfnew' "${run/MODE/copy}"
replayed
