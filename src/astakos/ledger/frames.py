"""The messages between the engine and its clients, and their framing on a stream.

Each message is a four-byte big-endian length followed by JSON. The encoding is JSON because the serials that
a caller asks for can exceed 64 bits.

A message carries the operations of many callers, or their outcomes. One that cannot be encoded or decoded
fails alone: the others in its message are not affected.
"""

import logging
from collections.abc import Iterator
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from astakos.ledger.operations import Failure, Operation, Outcome, Undone
from astakos.ledger.recent_refusals import RecentRefusal, RefusalsWanted

T = TypeVar("T")

LENGTH_BYTES: Final = 4
encode = msgspec.json.Encoder().encode

log = logging.getLogger("astakos.ledger")


class Asked(msgspec.Struct, array_like=True):
    """A message from a client to the engine.

    Attributes:
        operations: new operations, each with a number that identifies it on this connection. One that cannot
            be decoded arrives as `Undone`.
        withdrawn: the numbers of operations whose callers no longer wait.
        standing: the number of a status request, if there is one.
        broken: why the storage cannot be trusted any more, if the client has found that out; else "".
        remedy: what the operator has to do then.
        refusals: a number, and which of the last refusals it asks for.
        traces: the numbers of operations of traced requests, with the spans of these as the header
            `traceparent` has them, and when they were submitted in nanoseconds since 1970; None if there are
            none.
    """

    operations: list[tuple[int, Operation | Undone]] = []
    withdrawn: list[int] = []
    standing: int | None = None
    broken: str = ""
    remedy: str = ""
    refusals: tuple[int, RefusalsWanted] | None = None
    traces: list[tuple[int, str, int]] | None = None


class Standing(NamedTuple):
    """The engine's answer to a status request; receiving one at all shows that the engine is not blocked."""

    number: int
    has_stopped: bool
    can_write: bool = True


class Answered(msgspec.Struct, array_like=True):
    """A message from the engine to a client: outcomes by operation number, and what else was requested.

    An outcome that cannot be encoded or decoded arrives as `Undone`.
    """

    outcomes: list[tuple[int, Outcome | Undone]] = []
    standing: Standing | None = None
    refusals: tuple[int, list[RecentRefusal]] | None = None


def frame(message: Asked | Answered) -> bytes:
    """Encodes a message with its length prefix."""
    content = encode(message)
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


def frame_answered(message: Answered) -> bytes:
    """Encodes the engine's message, whatever its outcomes contain."""
    try:
        return frame(message)
    except Exception:
        log.exception("ledger outcome cannot be encoded")
        outcomes = [(number, _encodable(outcome)) for number, outcome in message.outcomes]
        return frame(Answered(outcomes, message.standing))


def _encodable(outcome: Outcome | Undone) -> Outcome | Undone:
    try:
        encode(outcome)
    except Exception as error:  # noqa: BLE001 - logged by the caller
        return _undone(error, Failure.OUTCOME_UNKNOWN)
    return outcome


def _undone(error: Exception, failure: Failure) -> Undone:
    return Undone(f"{type(error).__name__}: {error}", failure)


class Frames(Generic[T]):
    """Splits a stream of bytes into messages."""

    def __init__(self, kind: type[T], part: Any, failure: Failure) -> None:
        """Decodes every message as `kind`, whose first field lists parts of the type `part`, each numbered.

        A part that cannot be decoded becomes `Undone` with `failure`.
        """
        self._failure = failure
        self._decoder = msgspec.json.Decoder(kind)
        self._parts = msgspec.json.Decoder(part)
        self._received = bytearray()

    def feed(self, data: bytes) -> Iterator[T]:
        """Adds received data and yields the messages that are now complete."""
        received = self._received
        received += data
        start = 0
        while len(received) >= start + LENGTH_BYTES:
            begin = start + LENGTH_BYTES
            end = begin + int.from_bytes(received[start:begin], "big")
            if len(received) < end:
                break
            yield self._decode(received[begin:end])
            start = end
        del received[:start]

    def _decode(self, content: bytearray) -> T:
        try:
            return self._decoder.decode(content)
        except Exception:
            log.exception("part of a ledger message cannot be decoded")
        parts, *others = _fields.decode(content)
        readable = [(number, self._readable(part)) for number, part in _numbered.decode(parts)]
        return self._decoder.decode(encode([readable, *others]))

    def _readable(self, part: msgspec.Raw) -> msgspec.Raw:
        try:
            self._parts.decode(part)
        except Exception as error:  # noqa: BLE001 - logged by the caller
            return msgspec.Raw(encode(_undone(error, self._failure)))
        return part


_fields = msgspec.json.Decoder(list[msgspec.Raw])
_numbered = msgspec.json.Decoder(list[tuple[int, msgspec.Raw]])
