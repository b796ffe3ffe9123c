"""The messages between the engine and its clients, and their framing on a stream.

Each message is a four-byte big-endian length followed by JSON. The encoding is JSON because figures can
exceed 64 bits.
"""

from collections.abc import Iterator
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from astakos.ledger.operations import Operation, Outcome, Undone

T = TypeVar("T")

LENGTH_BYTES: Final = 4
encode = msgspec.json.Encoder().encode


class Asked(msgspec.Struct, array_like=True):
    """A message from a client to the engine.

    Attributes:
        operations: new operations, each with a number that identifies it on this connection.
        withdrawn: the numbers of operations whose callers no longer wait.
        standing: the number of a status request, if there is one.
    """

    operations: list[tuple[int, Operation]] = []
    withdrawn: list[int] = []
    standing: int | None = None


class Standing(NamedTuple):
    """The engine's answer to a status request; receiving one at all shows that the engine is not blocked."""

    number: int
    has_stopped: bool


class Answered(msgspec.Struct, array_like=True):
    """A message from the engine to a client: outcomes by operation number, and its status if requested."""

    outcomes: list[tuple[int, Outcome | Undone]] = []
    standing: Standing | None = None


def frame(message: Asked | Answered) -> bytes:
    """Encode a message with its length prefix."""
    content = encode(message)
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


class Frames(Generic[T]):
    """Splits a stream of bytes into messages."""

    def __init__(self, kind: type[T]) -> None:
        """Decode every message as `kind`."""
        self._decoder = msgspec.json.Decoder(kind)
        self._received = bytearray()

    def feed(self, data: bytes) -> Iterator[T]:
        """Add received data and yield the messages that are now complete."""
        received = self._received
        received += data
        start = 0
        while len(received) >= start + LENGTH_BYTES:
            begin = start + LENGTH_BYTES
            end = begin + int.from_bytes(received[start:begin], "big")
            if len(received) < end:
                break
            yield self._decoder.decode(received[begin:end])
            start = end
        del received[:start]
