"""The messages by which the process that answers Prometheus asks for the metrics.

A question is one byte. Its answer is the length of the metrics, four bytes in big-endian order, and the
metrics.
"""

import socket
from collections.abc import Callable
from typing import Final

QUESTION: Final = b"?"
LENGTH_BYTES: Final = 4


def answer_questions(asker: socket.socket, metrics: Callable[[], bytes]) -> None:
    """Answer one question after the other until the peer has ended."""
    while True:
        try:
            if not asker.recv(1):
                return
            found = metrics()
            asker.sendall(len(found).to_bytes(LENGTH_BYTES, "big") + found)
        except OSError:
            return
