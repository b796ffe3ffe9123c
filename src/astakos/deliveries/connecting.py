"""Connects to a host, and finds the name of this one, without waiting for name servers that do not answer."""

import contextlib
import socket

from astakosclient.http1.name_lookups import begin, resolve


def connected(host: str, port: int, seconds: float) -> socket.socket:
    """Connects to the first address of a host that answers; the socket then has `seconds` as its timeout.

    Args:
        host: the name, or a numeric address.
        port: the port.
        seconds: how long to look up the name, and then how long to wait for each address.

    Raises:
        UnresolvedInTimeError: no name server has answered in time.
        OSError: no address answers.
        UnicodeError: the name is not valid.
    """
    trouble = OSError("the host has no address")
    for family, kind, protocol, _, address in resolve(host, port, seconds):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(seconds)
            connection.connect(address)
        except OSError as error:
            connection.close()
            trouble = error
        else:
            return connection
    raise trouble


def own_name(seconds: float) -> str:
    """Returns what this machine calls itself in mail: its full name, or else its address in brackets."""
    try:
        return begin(own_name, "the name of this machine", _own_name).result(seconds)
    except OSError:
        return "[127.0.0.1]"


def _own_name() -> str:
    name = socket.getfqdn()
    if "." in name:
        return name
    address = "127.0.0.1"
    with contextlib.suppress(OSError):
        address = socket.gethostbyname(socket.gethostname())
    return f"[{address}]"
