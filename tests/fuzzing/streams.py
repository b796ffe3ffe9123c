"""What is no HTTP, or hardly: whatever becomes of it, it names nothing that there is, and is refused."""

import hypothesis.strategies as st

from fuzzing.bodies import as_json
from service.world import COMPUTE_TOKEN

REFUSED = as_json(
    {"provisions": [{"holder": "nobody", "source": None, "resource": "nothing", "quantity": 1}]}
)
START = b"POST /astakos/account/v1.0/commissions HTTP/1.1"
COMMON = (
    b"Host: x",
    b"X-Auth-Token: " + COMPUTE_TOKEN.encode(),
    b"Content-Type: application/json",
)
START_LINES = (
    START,
    START,
    START.replace(b"1.1", b"1.0"),
    START.replace(b"1.1", b"0.9"),
    START.replace(b"1.1", b"2.0"),
    START.replace(b"HTTP/1.1", b""),
    START.replace(b" ", b"\t"),
    START.replace(b"POST", b"post"),
    START.replace(b"POST ", b"POST  "),
    START.replace(b"/commissions", b"/\x00"),
    b"CONNECT x:1 HTTP/1.1",
    b"PRI * HTTP/2.0\r\n\r\nSM",
    b"GET http://[::1/astakos HTTP/1.1",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"",
    b"\r\n\r\n" + START,
)
LENGTH = b"Content-Length: %d" % len(REFUSED)
FRAMINGS = (
    (LENGTH,),
    (LENGTH, LENGTH),
    (LENGTH, b"Content-Length: 1"),
    (b"Content-Length: -1",),
    (b"Content-Length: 0x10",),
    (b"Content-Length: " + b"9" * 5000,),
    (b"Content-Length: +5",),
    (b"Content-Length: 5, 5",),
    (b"Content-Length:",),
    (b"Content-Length: 99999999",),
    (b"Transfer-Encoding: chunked",),
    (b"Transfer-Encoding: chunked", LENGTH),
    (b"Transfer-Encoding: gzip, chunked",),
    (b"Transfer-Encoding: chunked, identity",),
    (b"Transfer-Encoding:\x0bchunked",),
    (b"Transfer-Encoding: xchunked",),
    (b"Expect: 100-continue", LENGTH),
    (b"Expect: what", LENGTH),
    (b"Upgrade: websocket", b"Connection: Upgrade", LENGTH),
)
ODD_LINES = (
    b"X",
    b": x",
    b" folded",
    b"X : y",
    b"X: a\x00b",
    b"X: a\rb",
    b"X: a\nY: b",
    b"\xff: \xff",
    b"X: " + b"y" * 70_000,
    b"X: " + b"y" * 400_000,
    b"\r\n".join(b"X-%d: y" % number for number in range(2000)),
)
CHUNK = b"%x\r\n%b\r\n" % (len(REFUSED), REFUSED)
CONTENTS = (
    REFUSED,
    CHUNK + b"0\r\n\r\n",
    CHUNK + b"0\r\nTrailer: x\r\n\r\n",
    CHUNK + b"-1\r\n\r\n",
    b"1" * 20 + b"\r\n",
    b"ffffffffffffffff\r\nx",
    b"1;" + b"e" * 20_000 + b"\r\nx\r\n0\r\n\r\n",
    b"1\r\nx\r\n" * 2000 + b"0\r\n\r\n",
    b"0\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"",
)


def _framed(start: bytes, framing: tuple[bytes, ...], odd: list[bytes], content: bytes, end: bytes) -> bytes:
    return end.join([start, *COMMON, *framing, *odd, b""]) + end + content


messages = st.builds(
    _framed,
    st.sampled_from(START_LINES),
    st.sampled_from(FRAMINGS),
    st.lists(st.sampled_from(ODD_LINES), max_size=2),
    st.sampled_from(CONTENTS),
    st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"]),
)
streams = st.one_of(
    messages,
    st.lists(messages, min_size=2, max_size=4).map(b"".join),
    st.builds(lambda message, length: message[:length], messages, st.integers(0, 300)),
    st.binary(max_size=60),
)
