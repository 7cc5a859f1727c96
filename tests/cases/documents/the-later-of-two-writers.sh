#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Who writes a document that he read before somebody else's change gets EAGAIN; the first change stays. After reading again he may.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
y=$I/c1/config.yaml
cat >"$T/edit.py" <<'END'
import errno, os, subprocess, sys
y, key = sys.argv[1], sys.argv[2]

def expect(code, f):
    try:
        f()
    except OSError as e:
        assert e.errno == code, e
    else:
        assert code is None, "succeeded"

def in_place(text):
    fd = os.open(y, os.O_WRONLY | os.O_TRUNC)
    try:
        os.write(fd, text.encode())
        os.fsync(fd)
    finally:
        try:
            os.close(fd)
        except OSError:
            pass

def rename(text):
    with open(y + '.new', 'w') as f:
        f.write(text)
    os.rename(y + '.new', y)

def other(value):
    subprocess.check_call(['sh', '-c', 'echo %s >%s' % (value, key)])

for write in (in_place, rename):
    text = open(y).read() + '# mine\n'
    other('100')
    expect(errno.EAGAIN, lambda: write(text))
    other('101')
    expect(errno.EAGAIN, lambda: write(text))
    text = open(y).read()
    expect(None, lambda: write(text + '# now mine\n'))
    expect(None, lambda: write(text + '# and again\n'))
    other('102')
    # the value is back where it was read: still somebody changed it
    other('101')
    expect(errno.EAGAIN, lambda: write(text))
    open(y).read()

# Never read: what counts is when the writing began.
fd = os.open(y, os.O_WRONLY | os.O_TRUNC)
os.write(fd, b'config: {}\n')
other('103')
expect(errno.EAGAIN, lambda: os.fsync(fd))
os.close(fd)
END
"$PYTHON" "$T/edit.py" "$y" "$I/c1/config/limits.processes"
assert_file "$I/c1/config/limits.processes" '103\n'
assert_error_matches "$I/c1/error" 'read it again.*limits.processes'
# A process that writes without having read is not concerned.
printf 'config:\n  limits.processes: "7"\n' >"$y"
assert_file "$I/c1/config/limits.processes" '7\n'

# sed, while somebody else writes: it fails, and the other's change stays.
assert_fails EAGAIN sed -i -e 's/^/# mine\n/;1e '"echo 8 >$I/c1/config/limits.processes" "$y"
assert_file "$I/c1/config/limits.processes" '8\n'
! grep -q mine "$y" || fail "both were taken"

# A start changes facts, not the configuration: it is in nobody's way. Nor is the server's death.
printf 'profiles: [default]\n' >"$T/doc"
"$PYTHON" - "$y" "$I/c1/state" "$(server_pid)" <<'END'
import os, signal, sys, time
y, state, server = sys.argv[1:]
text = open(y).read()
open(state, 'w').write('running\n')
os.kill(int(server), signal.SIGKILL)
os.stat(state)
fd = os.open(y, os.O_WRONLY | os.O_TRUNC)
os.write(fd, (text + '# after a start\n').encode())
os.close(fd)
END
allow_log 'server .* signal 9|starting another'
grep -q '# after a start' "$y"
