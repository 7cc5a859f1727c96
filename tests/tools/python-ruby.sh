#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Python's and Ruby's ways to write and replace a file.
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/replay.sh"

replay_setup
export PY=$PYTHON
scenario 'python with open' key twice '"$PY" -c "import os
with open(os.environ[\"F\"], \"w\") as f: f.write(os.environ[\"V\"] + \"\n\")"'
scenario 'python close' key 'twice nonewline' '"$PY" -c "import os
f = open(os.environ[\"F\"], \"w\"); f.write(os.environ[\"V\"]); f.close()"'
scenario 'python without close' key 'twice silent' '"$PY" -c "import os
open(os.environ[\"F\"], \"w\").write(os.environ[\"V\"] + \"\n\")"'
scenario 'python print to stdout' key twice '"$PY" -c "import os; print(os.environ[\"V\"])" >"$F"'
scenario 'python os.replace' key 'rewrites' '"$PY" -c "import os
t = os.environ[\"F\"] + \".tmp\"
with open(t, \"w\") as f: f.write(os.environ[\"V\"] + \"\n\"); f.flush(); os.fsync(f.fileno())
try: os.replace(t, os.environ[\"F\"])
except OSError: os.unlink(t); raise"'
scenario 'python tempfile and rename' key 'rewrites' '"$PY" -c "import os, tempfile
d, t = tempfile.mkstemp(dir=os.environ[\"D\"])
os.write(d, (os.environ[\"V\"] + \"\n\").encode()); os.close(d)
try: os.rename(t, os.environ[\"F\"])
except OSError: os.unlink(t); raise"'
scenario 'python shutil.copy2' key 'rewrites' '"$PY" -c "import os, shutil; shutil.copy2(os.environ[\"N\"], os.environ[\"F\"])"'
scenario 'python fileinput' key 'rewrites silent' '"$PY" -c "import fileinput, os
for l in fileinput.input(os.environ[\"F\"], inplace=True): print(os.environ[\"V\"])"'
# What loads a document and dumps it keeps no comments; it says the same and is taken.
own_want() { printf 'config:\n  limits.memory: %s\n' "$1"; }
"$PYTHON" -c 'import yaml' 2>/dev/null && scenario 'python yaml' document 'twice own' '"$PY" -c "import os, yaml
d = yaml.safe_load(open(os.environ[\"F\"]))
d[\"config\"][\"limits.memory\"] = os.environ[\"V\"]
with open(os.environ[\"F\"], \"w\") as f: yaml.safe_dump(d, f)"'
if command -v ruby >/dev/null; then
	scenario 'ruby File.write' key twice 'ruby -e "File.write(ENV[%q(F)], ENV[%q(V)] + 10.chr)"'
	scenario 'ruby FileUtils.mv' key rewrites 'ruby -rfileutils -e "FileUtils.cp ENV[%q(N)], ENV[%q(F)] + %q(.tmp); FileUtils.mv ENV[%q(F)] + %q(.tmp), ENV[%q(F)]"'
fi
replayed
