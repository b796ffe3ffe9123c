"""Sends random and mutated bytes to a connection, without sockets, and judges what it makes of them.

By hand, for as long as you like:

    $ PYTHONPATH=src:tests python -m fuzzing.framing --streams 200000 --seed 1

The seed sends the same again. For each stream: the connection meets no defect; each request that was read has
one answer, in its order; what is read does not depend on how the stream is split; and where the lengths of
bodies say that a body is, no request is read from it.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from service.server.corpus import CASES
from service.server.doubles import Wire

BODY_LIMIT: Final = 100_000
LONGEST_STREAM: Final = 4096
"""A longer case of the corpus is about its size, which mutations do not change."""
MARK: Final = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
"""Stands in bodies: whoever reads it as a request has lost the framing."""
HEAD_PIECES: Final = (
    b"GET / HTTP/1.1\r\n",
    b"Content-Length: 3\r\n",
    b"content-length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: x\r\n",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"Expect: x\r\n",
    b"Host: x\r\n",
    b"CONNECT / HTTP/1.1\r\n",
    b" x: y\r\n",
)
BITS: Final = (b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b",", b"\r\n\r\n", b"-1", b"\xff")
WORDS: Final = (
    b"HTTP/1.0",
    b"HTTP/1.1",
    b"CONNECT",
    b"HEAD",
    b"ffffffffffffffff",
    b"3;a=b\r\n",
    b"0\r\n\r\n",
)
PIECES: Final = (*HEAD_PIECES, *BITS, *WORDS)
UPGRADES: Final = (
    b"",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
)
METHODS: Final = (b"GET", b"POST", b"PUT", b"DELETE", b"FOO", b"PRI", b"SOURCE", b"get")


class FramingError(AssertionError):
    """A connection has made of a stream what it must not."""


@dataclass
class Tally:
    """What was sent, and how it was answered."""

    streams: int = 0
    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Outcome:
    """What a connection has made of a stream."""

    seen: Sequence[tuple[str, str, bytes]]
    statuses: Sequence[int]
    is_over: bool


def outcome_of(stream: bytes, cuts: Sequence[int]) -> Outcome:
    """Feeds a stream to a new connection, cut at some positions."""
    wire = Wire()
    wire.site.limits = _Everywhere()
    start = 0
    for end in (*cuts, len(stream)):
        if wire.transport.is_closed or wire.transport.is_aborted:
            break
        wire.send(stream[start:end])
        start = end
    return Outcome(tuple(wire.site.seen), tuple(_statuses(wire)), wire.is_over)


class _Everywhere(dict[str, int]):
    def get(self, _path: str, _default: int = 0) -> int:  # type: ignore[override]
        return BODY_LIMIT


def _statuses(wire: Wire) -> Iterator[int]:
    """The statuses of the answers, each taken for as long as it is: those to HEAD have no body."""
    written = bytes(wire.transport.written)
    heads = iter([method == "HEAD" for method, _, _ in wire.site.seen])
    while written:
        head, separator, written = written.partition(b"\r\n\r\n")
        if not separator or not head.startswith(b"HTTP/1.1 "):
            raise FramingError(f"not an answer: {head!r}")
        status = int(head[9:12])
        if status == 100:
            continue
        yield status
        lengths = [line[16:] for line in head.split(b"\r\n") if line.startswith(b"content-length: ")]
        is_to_head = status == 200 and next(heads)
        written = written[0 if is_to_head or not lengths else int(lengths[0]) :]


def judge(stream: bytes, cuts: Sequence[int], expected: Sequence[bytes] | None = None) -> Outcome:
    """Requires that a stream is read right, whole and cut.

    Args:
        stream: The bytes.
        cuts: Where it is cut the second time.
        expected: The bodies that the stream holds, if it is well-formed.

    Raises:
        FramingError: It is not.
    """
    whole = outcome_of(stream, ())
    good = [status for status in whole.statuses if status in {200, 204}]
    refused = whole.statuses[len(good) :]
    if len(good) != len(whole.seen) or len(refused) > 1 or (refused and not whole.is_over):
        raise FramingError(f"{len(whole.seen)} requests were answered with {whole.statuses}: {stream!r}")
    if expected is not None and ([body for _, _, body in whole.seen] != list(expected) or refused):
        raise FramingError(f"the bodies {expected} were read as {whole.seen}: {stream!r}")
    cut = outcome_of(stream, cuts)
    if cut.seen != whole.seen or cut.statuses != whole.statuses:
        raise FramingError(f"cut at {cuts}, it is read as {cut}, whole as {whole}: {stream!r}")
    return whole


class Framing:
    """Makes streams from a seed, and judges them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._corpus = [case.stream for case in CASES if 0 < len(case.stream) <= LONGEST_STREAM]
        self.tally = Tally()

    def run(self, streams: int) -> None:
        """Judges so many streams.

        Raises:
            FramingError: One was not read right.
        """
        kinds: Sequence[Callable[[], tuple[bytes, Sequence[bytes] | None]]] = (
            self._bytes, self._mutated, self._mutated, self._joined, self._sound
        )  # fmt: skip
        for number in range(streams):
            stream, expected = kinds[number % len(kinds)]()
            found = judge(stream, self._cuts(stream), expected)
            self.tally.streams += 1
            self.tally.requests += len(found.seen)
            self.tally.statuses.update(found.statuses)

    def _cuts(self, stream: bytes) -> Sequence[int]:
        if len(stream) < 64 and self._random.random() < 0.2:
            return range(1, len(stream))
        return sorted(self._random.randrange(len(stream) + 1) for _ in range(self._random.randint(1, 4)))

    def _bytes(self) -> tuple[bytes, None]:
        count = self._random.randint(1, 200)
        return b"".join(
            self._random.choice((*PIECES, self._random.randbytes(3))) for _ in range(count // 8 + 1)
        ), None

    def _mutated(self) -> tuple[bytes, None]:
        stream = bytearray(self._random.choice(self._corpus))
        for _ in range(self._random.randint(1, 4)):
            at = self._random.randrange(len(stream) + 1)
            until = min(len(stream), at + self._random.randint(0, 8))
            change = self._random.randrange(4)
            if change == 0:
                stream[at:at] = self._random.choice(PIECES)
            elif change == 1:
                del stream[at:until]
            elif change == 2:
                stream[at:until] = self._random.randbytes(until - at)
            else:
                stream[at:at] = stream[at:until]
        return bytes(stream), None

    def _joined(self) -> tuple[bytes, None]:
        return b"".join(self._random.choice(self._corpus) for _ in range(self._random.randint(2, 4))), None

    def _sound(self) -> tuple[bytes, Sequence[bytes]]:
        """Well-formed requests, whose bodies look like requests."""
        bodies = [self._body() for _ in range(self._random.randint(1, 4))]
        return b"".join(map(self._request, bodies)), bodies

    def _body(self) -> bytes:
        return b"".join(
            self._random.choice((MARK, b"0\r\n\r\n", *PIECES)) for _ in range(self._random.randint(0, 6))
        )

    def _request(self, body: bytes) -> bytes:
        upgrade = self._random.choice(UPGRADES)
        if self._random.random() < 0.5:
            framing, sent = b"Content-Length: %d\r\n" % len(body), body
        else:
            framing, sent = b"Transfer-Encoding: chunked\r\n", b"".join(self._chunks(body))
        fields = [b"Host: x\r\n", framing, upgrade]
        self._random.shuffle(fields)
        return self._random.choice(METHODS) + b" /p HTTP/1.1\r\n" + b"".join(fields) + b"\r\n" + sent

    def _chunks(self, body: bytes) -> Iterator[bytes]:
        while body:
            count = self._random.randint(1, len(body))
            yield b"%x\r\n%b\r\n" % (count, body[:count])
            body = body[count:]
        yield b"0\r\n\r\n"


def main() -> None:
    """Run it by hand."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=random.getrandbits(32))
    options = parser.parse_args()
    sys.stdout.write(f"seed {options.seed}\n")
    sys.stdout.flush()
    framing = Framing(options.seed)
    framing.run(options.streams)
    sys.stdout.write(f"{framing.tally}\n")


if __name__ == "__main__":
    main()
