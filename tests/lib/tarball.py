#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images for tests: tarball.py OUT KIND. Each kind but `good` is hostile or broken in one way."""
import io
import os
import platform
import sys
import tarfile

META = "architecture: %s\ncreation_date: 1700000000\nproperties:\n  description: test\n  os: none\n" % platform.machine()


class Maker:
    def __init__(self, path, meta=META):
        self.tar = tarfile.open(path, "w:gz" if path.endswith("gz") else "w", format=tarfile.PAX_FORMAT)
        if meta is not None:
            self.file("metadata.yaml", meta)
        self.entry("rootfs", tarfile.DIRTYPE, mode=0o755)

    def entry(self, name, kind, link="", mode=0o644, **more):
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.mode = kind, link, mode
        for k, v in more.items():
            setattr(info, k, v)
        self.tar.addfile(info)

    def file(self, name, text, mode=0o644):
        data = text if isinstance(text, bytes) else text.encode()
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), mode
        self.tar.addfile(info, io.BytesIO(data))

    def base(self):
        for d in ("rootfs/bin", "rootfs/etc", "rootfs/sbin", "rootfs/proc", "rootfs/sys", "rootfs/dev"):
            self.entry(d, tarfile.DIRTYPE, mode=0o755)
        self.file("rootfs/etc/hostname", "test\n")


def build(path, kind, victim):
    if kind == "no-metadata":
        m = Maker(path, None)
    elif kind == "bad-metadata":
        m = Maker(path, "architecture: [unclosed\n")
    elif kind == "empty-metadata":
        m = Maker(path, "")
    else:
        m = Maker(path)
    m.base()
    if kind == "dotdot":
        m.file("rootfs/../../../../../../../.." + victim, "owned\n")
        m.file("../escaped", "owned\n")
    elif kind == "absolute":
        m.file(victim, "owned\n")
    elif kind == "symlink-out":
        m.entry("rootfs/out", tarfile.SYMTYPE, link=os.path.dirname(victim))
        m.file("rootfs/out/" + os.path.basename(victim), "owned\n")
    elif kind == "symlink-rootfs":
        m.tar.close()
        m.tar = tarfile.open(path, "w")
        m.file("metadata.yaml", META)
        m.entry("rootfs", tarfile.SYMTYPE, link=os.path.dirname(victim))
        m.file("rootfs/" + os.path.basename(victim), "owned\n")
    elif kind == "hardlink-out":
        m.entry("rootfs/hard", tarfile.LNKTYPE, link=victim)
        m.entry("rootfs/hard2", tarfile.LNKTYPE, link="../../../../../.." + victim)
    elif kind == "device":
        m.entry("rootfs/dev/sda", tarfile.BLKTYPE, devmajor=8, devminor=0)
        m.entry("rootfs/dev/mem", tarfile.CHRTYPE, devmajor=1, devminor=1)
    elif kind == "many":
        for i in range(int(os.environ.get("ENTRIES", "1000000"))):
            m.entry("rootfs/f%d" % i, tarfile.REGTYPE)
    elif kind == "deep":
        name = "rootfs"
        for _ in range(2000):
            name += "/d"
            m.entry(name, tarfile.DIRTYPE, mode=0o755)
    elif kind == "bomb":
        info = tarfile.TarInfo("rootfs/zeros")
        info.size = int(os.environ.get("BOMB", str(8 << 30)))

        class Zeros:
            def read(self, n):
                return bytes(n)
        m.tar.addfile(info, Zeros())
    elif kind == "no-rootfs":
        m.tar.close()
        m.tar = tarfile.open(path, "w")
        m.file("metadata.yaml", META)
    elif kind == "no-init":
        pass
    m.tar.close()


build(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "/nonexistent/victim")
