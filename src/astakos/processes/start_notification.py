"""Tells who has started the process, such as systemd with `Type=notify`, when it is ready: sd_notify(3)."""

import contextlib
import os
import socket

VARIABLE = "NOTIFY_SOCKET"
TO_TELL_SECONDS = 1.0


def tell_ready() -> None:
    """Tells whoever waits for it that the service is ready. Whether they hear it makes no difference."""
    address = os.environ.get(VARIABLE, "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as teller, contextlib.suppress(OSError):
        teller.settimeout(TO_TELL_SECONDS)
        # An @ stands for the zero byte that names in the abstract namespace begin with.
        teller.sendto(b"READY=1", address.replace("@", "\0", 1) if address.startswith("@") else address)
