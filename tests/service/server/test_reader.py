"""What is read of a stream, however it is cut into pieces."""

from collections.abc import Iterable, Iterator

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakos.server.heads import Violation
from astakos.server.limits import Limits
from astakos.server.reader import BodyTooLargeError, RequestReader
from service.server.corpus import CASES, MORE, NEXT, NEXT_READ, REFUSED, Case, Request

LIMITS = Limits()


def read(pieces: Iterable[bytes], most: int = LIMITS.body_bytes) -> Iterator[Request | str]:
    """The requests of a stream; at last whether it is refused, or ends in the middle."""
    reader = RequestReader(LIMITS)
    head = None
    begun = True
    try:
        for piece in pieces:
            reader.receive(piece)
            while True:
                if head is None:
                    head = reader.read_head()
                    if head is None:
                        break
                if not reader.read_body(most):
                    if reader.has_more:
                        continue
                    break
                yield head.method, head.target, reader.take_body()
                head = None
                begun = False
        if reader.buffered or head is not None or begun:
            yield MORE
    except (Violation, BodyTooLargeError):
        yield REFUSED


NAMES = [case.name for case in CASES]
SHORT = 1000
"""Bytes of a stream that is cut everywhere."""


def test_there_are_many_and_each_has_its_name() -> None:
    assert len(CASES) > 250
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_stream_is_read_right_as_a_whole_and_however_it_is_cut(case: Case) -> None:
    assert tuple(read([case.stream])) == case.read
    assert tuple(read(bytes([byte]) for byte in case.stream)) == case.read, "byte by byte"
    if len(case.stream) < SHORT:
        for cut in range(len(case.stream)):
            assert tuple(read([case.stream[:cut], case.stream[cut:]])) == case.read, cut


def second_opinion(stream: bytes) -> tuple[Request | str, ...]:
    """What h11 reads of a stream."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LIMITS.head_bytes)
    found: list[Request | str] = []
    try:
        connection.receive_data(stream)
        for _ in range(100):
            event = connection.next_event()
            if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                break
            if event is h11.PAUSED:
                connection.send(h11.Response(status_code=400, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is h11.MUST_CLOSE:
                    break
                connection.start_next_cycle()
                continue
            if isinstance(event, h11.Request):
                request, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found.append((bytes(request.method), bytes(request.target), body))
    except h11.RemoteProtocolError:
        found.append(REFUSED)
    return tuple(found)


def test_what_another_reader_refuses_is_refused() -> None:
    others = {case.name: second_opinion(case.stream) for case in CASES if not case.taken_though}
    refused = {name for name, other in others.items() if REFUSED in other}
    assert refused <= {case.name for case in CASES if REFUSED in case.read}
    assert refused


@given(
    st.lists(
        st.sampled_from(
            [
                case.stream
                for case in CASES
                if REFUSED not in case.read and MORE not in case.read and b"HTTP/1.0" not in case.stream
            ]
        ),
        max_size=4,
    ),
    st.data(),
)
def test_requests_that_follow_each_other_do_not_mix(streams: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(streams) + NEXT
    expected = [one for stream in streams for one in read([stream])]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert list(read(pieces)) == [*expected, NEXT_READ]


@given(st.binary(max_size=400), st.integers(0, 400))
def test_any_bytes_are_read_or_refused_and_the_same_in_pieces(stream: bytes, cut: int) -> None:
    assert list(read([stream])) == list(read([stream[:cut], stream[cut:]]))


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 5\r\n\r\nabcde", b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"],
)
def test_a_body_that_is_too_large_is_refused_by_its_announcement(framing: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\n"
    assert list(read([head + framing], most=5)) == [(b"POST", b"/", b"abcde")]
    assert list(read([head + framing], most=4)) == [REFUSED]
