"""Bring up `lo` in a new, empty network namespace and become the command given.

    unshare -rn python tests/loopback_only.py COMMAND ...

Without `lo` no Jupyter kernel can start. This needs no `ip` program.
"""

import fcntl
import os
import socket
import struct
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
    request = struct.pack("16sh14x", b"lo", 0)
    flags = struct.unpack("16sh14x", fcntl.ioctl(handle, SIOCGIFFLAGS, request))[1]
    fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
others = [name for _, name in socket.if_nameindex() if name != "lo"]
if others and any(open(f"/sys/class/net/{name}/operstate").read() == "up\n" for name in others):
    sys.exit(f"loopback_only: the namespace is not empty: {', '.join(others)}")
os.execvp(sys.argv[1], sys.argv[1:])
