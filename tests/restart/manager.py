# SPDX-License-Identifier: LGPL-2.1-or-later
# As much of a service manager as the test needs. Arguments: program, state directory, mount point.
import array, os, signal, socket, subprocess, sys, time

program, state, mnt = sys.argv[1:4]
command = [program, "-f", "--state", state, mnt]
path = state + "/notify"
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind(path)
fds = {}


def until(word, limit=10):
    """Reads messages until one has the word; keeps descriptors."""
    end = time.time() + limit
    while True:
        sock.settimeout(max(end - time.time(), 0.01))
        data, anc, _, _ = sock.recvmsg(4096, socket.CMSG_SPACE(16))
        got = array.array("i")
        for level, kind, a in anc:
            got.frombytes(a)
        name = data.partition(b"FDNAME=")[2].decode()
        if data.startswith(b"FDSTORE=1"):
            if name in fds:
                os.close(got[0])
            else:
                fds[name] = got[0]
        elif data.startswith(b"FDSTOREREMOVE=1"):
            os.close(fds.pop(name))
        if word in data:
            return data


def start():
    pid = os.fork()
    if pid:
        return pid
    env = dict(os.environ, NOTIFY_SOCKET=path)
    if fds:
        names = list(fds)
        copies = [os.dup(os.dup2(fds[n], 200 + i)) and 200 + i for i, n in enumerate(names)]
        for i, fd in enumerate(copies):
            os.dup2(fd, 3 + i, inheritable=True)
        env.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
    os.execve(program, command, env)


def server():
    out = subprocess.run(["pgrep", "-f", "internal-server - %s$" % mnt], capture_output=True, text=True).stdout.split()
    return int(out[0])


main = start()
until(b"READY=1")
assert sorted(fds) == ["instfs-fuse", "instfs-keep", "instfs-shm"], fds
open(mnt + "/file", "w").write("kept")

# Both at once: the stopped server cannot start another holder.
s = server()
os.kill(s, signal.SIGSTOP)
os.kill(main, signal.SIGKILL)
os.waitpid(main, 0)
os.kill(s, signal.SIGKILL)
main = start()
until(b"READY=1")
assert open(mnt + "/file").read() == "kept"

# The holder only: the server's new one becomes the service.
os.kill(main, signal.SIGKILL)
os.waitpid(main, 0)
short = start()
said = until(b"MAINPID=").decode()
assert os.waitpid(short, 0)[1] == 0
assert open(mnt + "/file").read() == "kept"
os.kill(int(said.partition("MAINPID=")[2].split()[0]), signal.SIGTERM)
while fds:
    until(b"FDSTOREREMOVE=1")
