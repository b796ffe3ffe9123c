"""What is said between the engine and those who ask it, over a stream such as a socket.

Each message is JSON behind its length in four bytes. JSON, since figures may be larger than 64 bits.
"""

from collections.abc import Iterator
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from astakos.ledger.operations import Operation, Outcome, Undone

T = TypeVar("T")

LENGTH_BYTES: Final = 4
encode = msgspec.json.Encoder().encode


class Asked(msgspec.Struct, array_like=True):
    """Operations, each under a number; and numbers of earlier ones that nobody waits for any more.

    With a number for it, also how the engine stands.
    """

    operations: list[tuple[int, Operation]] = []
    withdrawn: list[int] = []
    standing: int | None = None


class Standing(NamedTuple):
    """How the engine stands: that it answers at all tells that it is not held up."""

    number: int
    has_stopped: bool


class Answered(msgspec.Struct, array_like=True):
    """Outcomes by the numbers of their operations, and how the engine stands if that was asked."""

    outcomes: list[tuple[int, Outcome | Undone]] = []
    standing: Standing | None = None


def frame(message: Asked | Answered) -> bytes:
    """A message as it is sent."""
    content = encode(message)
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


class Frames(Generic[T]):
    """Finds messages in what is received."""

    def __init__(self, kind: type[T]) -> None:
        """Expect messages of one kind."""
        self._decoder = msgspec.json.Decoder(kind)
        self._received = bytearray()

    def feed(self, data: bytes) -> Iterator[T]:
        """The messages that are complete with this."""
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
