#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Proxies in both directions, for tcp, udp and unix: through a kill -9 of the server, of themselves and a
# reboot, gone when removed.
# needs: lxc
. "$(dirname "$0")/../../lib/net.sh"
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
D=$I/c1/devices R=$I/c1/runtime/devices
# An echo server on the host, at tcp and udp 127.0.0.1:7000 and unix, and a client that half-closes.
cat >"$T/net.py" <<'END'
import socket, sys, threading, os
def pump(c):
    while (b := c.recv(65536)):
        c.sendall(b)
    c.close()
def stream(s):
    s.listen(100)
    while True:
        threading.Thread(target=pump, args=(s.accept()[0],), daemon=True).start()
def unix(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    os.chmod(path, 0o777)
    return s
if sys.argv[1] == "serve":
    threading.Thread(target=stream, args=(unix(sys.argv[2]),), daemon=True).start()
    threading.Thread(target=stream, args=(socket.create_server(("127.0.0.1", 7000)),), daemon=True).start()
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(("127.0.0.1", 7000))
    open(sys.argv[2] + ".ready", "w")
    while True:
        u.sendto(*u.recvfrom(65536))
    sys.exit()
if "udp" in sys.argv:
    port = int(sys.argv.pop(sys.argv.index("udp") + 1))
    sys.argv.remove("udp")
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.settimeout(20)
    u.sendto(b"datagram", ("127.0.0.1", port))
    assert u.recv(99) == b"datagram"
data = os.urandom(1 << 20)
for port in map(int, sys.argv[1:]):
    many = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(20)]
    c = many[7]
    threading.Thread(target=lambda: (c.sendall(data), c.shutdown(socket.SHUT_WR)), daemon=True).start()
    got = b""
    while (b := c.recv(65536)):
        got += b
    if got.startswith(b"PROXY"):
        head, got = got.split(b"\r\n", 1)
        print(head.decode())
    assert got == data, (len(got), len(data))
END
chmod 711 "$T"
client() { "$PYTHON" "$T/net.py" "$@"; }
background "$PYTHON" "$T/net.py" serve "$T/echo.sock"
wait_for 60 test -e "$T/echo.sock.ready"
give() {
	printf 'type=proxy\n%b\n' "$2" >"$T/text"
	cp "$T/text" "$D/$1"
}
give t1 'listen=tcp:127.0.0.1:7001-7002\nconnect=tcp:127.0.0.1:81,82'
give t2 'listen=tcp:127.0.0.1:81,82\nconnect=tcp:127.0.0.1:7000\nbind=instance\nproxy_protocol=true'
give u1 'listen=udp:127.0.0.1:7001\nconnect=udp:127.0.0.1:81'
give u2 'listen=udp:127.0.0.1:81\nconnect=udp:127.0.0.1:7000\nbind=instance'
give x1 'listen=tcp:127.0.0.1:7003\nconnect=unix:/run/my.sock'
give x2 "listen=unix:/run/my.sock\nconnect=unix:$T/echo.sock\nbind=instance\nuid=5\nmode=0640\nsecurity.uid=65534"
assert_file "$R/t1" 'attached listen=tcp:127.0.0.1:7001-7002 connect=tcp:127.0.0.1:81,82 bind=host\n'
works() {
	assert_match "$(client 7002 7003 udp 7001)" '^PROXY TCP4 127.0.0.1 127.0.0.1 [0-9]+ 82$'
}
works
assert_eq "$(run c1 'stat -c "%F %u %a" /run/my.sock')" 'socket 5 640'
give x6 'listen=tcp:[::1]:7005\nconnect=tcp:127.0.0.1:82'
give xa 'listen=unix:@hidden\nconnect=tcp:127.0.0.1:82'
"$PYTHON" - <<'END'
import socket
hidden = socket.socket(socket.AF_UNIX)
hidden.connect("\0hidden")
for s in hidden, socket.create_connection(("::1", 7005)):
    s.sendall(b"word")
    s.shutdown(socket.SHUT_WR)
    with s.makefile("rb") as f:
        assert f.read().endswith(b"word")
END
rm "$D/x6" "$D/xa"
pid_of() { sed -n 's/.*\.pid=\([0-9]*\).*/\1/p' "$(run_dir)/lxc/c1/devices/$1"; }
is_another() { [ "$(pid_of "$1")" != "$2" ] && [[ $(cat "$R/$1") != *ended* ]]; }
# killed, it is started again; by the next server too
again() {
	local pid
	pid=$(pid_of "$1")
	kill -KILL "$pid"
	wait_for 60 is_another "$1" "$pid"
}
# datagrams from many ports: a bounded number of sockets, and it goes on
"$PYTHON" - <<'END'
import socket
for _ in range(3000):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", ("127.0.0.1", 7001))
END
client udp 7001
for p in u1 u2; do
	n=$(find "/proc/$(pid_of "$p")/fd" -type l | wc -l)
	[ "$n" -lt 1100 ] || fail "$p has $n open files"
done
again t1
kill_server
again u2
works
# nor does the end of the daemon's own control group end them
assert_eq "$(pgrep -f '^instfs-proxy [tux][12] ' | sed 's|.*|/proc/&/cgroup|' | xargs grep -L '/instfs\.proxy$')" ''
# a link of the guest leads nowhere but in the guest
run c1 'ln -s ../../../../../.. /run/up'
assert_write_fails ENOENT "$D/x3" "$(printf 'type=proxy\nlisten=unix:/run/up%s/x\nconnect=tcp:127.0.0.1:1\nbind=instance' "$T")"
# refused, and nothing is left
assert_write_fails EADDRINUSE "$D/t3" "$(printf 'type=proxy\nlisten=tcp:127.0.0.1:7001\nconnect=tcp:127.0.0.1:1')"
assert_error_matches "$I/c1/error" 'port 7001: Address already in use'
assert_write_fails EINVAL "$D/t3" "$(printf 'type=proxy\nlisten=tcp:127.0.0.1:7100-7102\nconnect=tcp:127.0.0.1:1-2')"
assert_missing "$D/t3"
pid=$(cat "$I/c1/runtime/pid")
run_in c1 'reboot -f' >/dev/null 2>&1 || true
wait_for 60 eval '[ "$(cat "$I/c1/runtime/pid")" -gt 0 ] && [ "$(cat "$I/c1/runtime/pid")" != '"$pid"' ]'
wait_for 60 client 7003
works
# changed while it runs
give t1 'listen=tcp:127.0.0.1:7004\nconnect=tcp:127.0.0.1:82'
assert_fails refused client 7001
client 7004 >/dev/null
rm "$D/x2" "$D/t1"
sync "$D"
assert_missing "$R/x2"
assert_eq "$(run c1 'ls /run/my.sock 2>/dev/null')" ''
echo stopped force >"$I/c1/state"
! pgrep -f "instfs-proxy u1 .*127.0.0.1:7001" || fail "a forwarder is left"
