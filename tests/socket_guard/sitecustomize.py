"""Refuse connections to other hosts in every Python started with this folder on PYTHONPATH.

The stand-in for an empty network namespace where the system grants none. It stops Python
code only, which is all that fetches models and data in this course.
"""

import errno
import socket

LOCAL = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None}
real_socket, real_getaddrinfo = socket.socket, socket.getaddrinfo


def refuse(host):
    """Raise the error of a machine without a network unless the host is this machine."""
    host = host.decode() if isinstance(host, bytes) else host
    if host not in LOCAL and not str(host).startswith("127."):
        raise OSError(
            errno.ENETUNREACH, f"Network is unreachable: {host!r} (cut off by the socket guard)"
        )


class GuardedSocket(real_socket):
    """A socket that reaches this machine only."""

    def connect(self, address):
        self.guard(address)
        return super().connect(address)

    def connect_ex(self, address):
        try:
            self.guard(address)
        except OSError as error:
            return error.errno
        return super().connect_ex(address)

    def sendto(self, data, *args):
        self.guard(args[-1])
        return super().sendto(data, *args)

    def guard(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse(address[0])


def getaddrinfo(host, *args, **kwargs):
    refuse(host)
    return real_getaddrinfo(host, *args, **kwargs)


socket.socket = GuardedSocket
socket.getaddrinfo = getaddrinfo
