"""Requests that readers of HTTP/1.1 are known to disagree on, and what is right for each.

Each case is one stream of bytes. `REFUSED` in place of a request means that the stream is refused there.
"""

from collections.abc import Iterator
from typing import NamedTuple

REFUSED = "refused"
MORE = "more"
"""The stream ends in the middle of a request."""

Request = tuple[bytes, bytes, bytes]
"""Method, target in origin form, and body."""
NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
NEXT_READ: Request = (b"GET", b"/next", b"")


class Case(NamedTuple):
    """A stream, and what is to be read of it.

    Attributes:
        taken_though: why this is taken though h11 refuses it.
    """

    name: str
    stream: bytes
    read: tuple[Request | str, ...]
    taken_though: str = ""


def get(*lines: bytes, target: bytes = b"/", version: bytes = b"HTTP/1.1", host: bytes = b"Host: x") -> bytes:
    head = [b"GET " + target + b" " + version, *([host] if host else []), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n"


def post(body: bytes, *lines: bytes, method: bytes = b"POST") -> bytes:
    return b"\r\n".join([method + b" /p HTTP/1.1", b"Host: x", *lines]) + b"\r\n\r\n" + body


READ: Request = (b"GET", b"/", b"")
EMPTY_LINES = "RFC 9112 §2.2 asks servers to ignore an empty line before a request"


def cases() -> Iterator[Case]:
    yield from lengths()
    yield from codings()
    yield from chunks()
    yield from upgrades()
    yield from line_ends()
    yield from fields()
    yield from repeated()
    yield from request_lines()
    yield from targets()
    yield from methods()
    yield from hosts()
    yield from sequences()


def lengths() -> Iterator[Case]:
    good = (b"POST", b"/p", b"abc")
    yield Case("length", post(b"abc", b"Content-Length: 3") + NEXT, (good, NEXT_READ))
    yield Case("length 0", post(b"", b"Content-Length: 0") + NEXT, ((b"POST", b"/p", b""), NEXT_READ))
    yield Case("length with zeros in front", post(b"abc", b"Content-Length: 0003") + NEXT, (good, NEXT_READ))
    yield Case("length with blanks around", post(b"abc", b"Content-Length:  3 ") + NEXT, (good, NEXT_READ))
    yield Case("no length", post(b"") + NEXT, ((b"POST", b"/p", b""), NEXT_READ))
    yield Case("body shorter than its length", post(b"ab", b"Content-Length: 3"), (MORE,))
    for value in (
        b"", b"+3", b"-3", b"3,3", b"3, 3", b"3 3", b"0x3", b"3.0", b"3;", b"three", b"\xb3", b"'3'", b"3e0",
        b"18446744073709551616", b"99999999999999999999999999", b"\t", b"3\t3",
    ):  # fmt: skip
        yield Case(f"length {value!r}", post(b"abc", b"Content-Length: " + value) + NEXT, (REFUSED,))
    yield Case(
        "two equal lengths",
        post(b"abc", b"Content-Length: 3", b"Content-Length: 3") + NEXT,
        (REFUSED,),
    )
    yield Case("two lengths", post(b"abc", b"Content-Length: 3", b"Content-Length: 30") + NEXT, (REFUSED,))
    yield Case(
        "two lengths, spelled differently",
        post(b"abc", b"Content-Length: 3", b"content-length: 0"),
        (REFUSED,),
    )
    yield Case(
        "length of GET", get(b"Content-Length: 3") + b"abc" + NEXT, ((b"GET", b"/", b"abc"), NEXT_READ)
    )
    yield Case("length with a blank before its colon", post(b"abc", b"Content-Length : 3"), (REFUSED,))


def codings() -> Iterator[Case]:
    body = b"3\r\nabc\r\n0\r\n\r\n"
    good = (b"POST", b"/p", b"abc")
    yield Case("chunked", post(body, b"Transfer-Encoding: chunked") + NEXT, (good, NEXT_READ))
    yield Case("CHUNKED", post(body, b"Transfer-Encoding: CHUNKED") + NEXT, (good, NEXT_READ))
    yield Case("chunked with blanks", post(body, b"Transfer-Encoding:  chunked ") + NEXT, (good, NEXT_READ))
    for value in (
        b"identity", b"identity, chunked", b"gzip, chunked", b"chunked, gzip", b"chunked, identity", b"gzip",
        b"chunked, chunked", b"xchunked", b"chunkedx", b"chunked;q=1", b"chunk", b"", b"'chunked'", b'"chunked"',
        b"chunked,", b",chunked", b"cow", b"\x0bchunked", b"chunked\x0b", b"chunked \x00", b"deflate",
        b"compress, chunked", b"trailers", b"chun\xadked",
    ):  # fmt: skip
        yield Case(
            f"coding {value!r}",
            post(body, b"Transfer-Encoding: " + value) + NEXT,
            (REFUSED,),
        )
    for name in (
        b"Transfer-Encoding ", b" Transfer-Encoding", b"Transfer-Encoding\t", b"\tTransfer-Encoding", b"Transfer\x00-Encoding",
        b"Transfer-Encoding\x0b",
    ):  # fmt: skip
        yield Case(f"coding under {name!r}", post(body, name + b": chunked") + NEXT, (REFUSED,))
    yield Case(
        "two codings", post(body, b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"), (REFUSED,)
    )
    yield Case(
        "chunked twice", post(body, b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), (REFUSED,)
    )
    for lines in (
        (b"Content-Length: 3", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 3"),
        (b"Content-Length: 0", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 0"),
        (b"transfer-encoding: chunked", b"content-length: 13"),
        (b"Content-Length: 3", b"Transfer-Encoding: identity"),
        (b"Content-Length: 3", b"Transfer-Encoding: xchunked"),
        (b"Content-Length: 3", b"X: y", b"Transfer-Encoding: chunked"),
    ):
        yield Case(
            f"length and coding {lines!r}",
            post(body, *lines) + NEXT,
            (REFUSED,),
        )
    yield Case(
        "coding in HTTP/1.0",
        b"POST /p HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
        (REFUSED,),
    )


CHUNKED = b"Transfer-Encoding: chunked"


def chunks() -> Iterator[Case]:
    def case(name: str, body: bytes, *read: Request | str) -> Case:
        return Case(f"chunks: {name}", post(body, CHUNKED) + NEXT, read)

    def whole(content: bytes) -> tuple[Request, Request]:
        return (b"POST", b"/p", content), NEXT_READ

    yield case("none", b"0\r\n\r\n", *whole(b""))
    yield case("two", b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", *whole(b"abc"))
    yield case("hexadecimal", b"a\r\n0123456789\r\n0\r\n\r\n", *whole(b"0123456789"))
    yield case("HEXADECIMAL", b"A\r\n0123456789\r\n0\r\n\r\n", *whole(b"0123456789"))
    yield case("zeros in front", b"0003\r\nabc\r\n000\r\n\r\n", *whole(b"abc"))
    yield case("an extension", b"3;a=b\r\nabc\r\n0\r\n\r\n", *whole(b"abc"))
    yield case("a quoted extension", b'3;a="b;c"\r\nabc\r\n0\r\n\r\n', *whole(b"abc"))
    yield case("an extension of the last", b"3\r\nabc\r\n0;a\r\n\r\n", *whole(b"abc"))
    yield case("a trailer", b"3\r\nabc\r\n0\r\nX: y\r\n\r\n", *whole(b"abc"))
    yield case("line ends within", b"4\r\n\r\n\r\n\r\n0\r\n\r\n", *whole(b"\r\n\r\n"))
    yield case("a request within", b"%x\r\n%b\r\n0\r\n\r\n" % (len(NEXT), NEXT), *whole(NEXT))
    for name, body in {
        "a blank behind the size": b"3 \r\nabc\r\n0\r\n\r\n",
        "a blank before the size": b" 3\r\nabc\r\n0\r\n\r\n",
        "a sign": b"+3\r\nabc\r\n0\r\n\r\n",
        "a minus": b"-3\r\nabc\r\n0\r\n\r\n",
        "0x": b"0x3\r\nabc\r\n0\r\n\r\n",
        "an underscore": b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
        "no size": b"\r\nabc\r\n0\r\n\r\n",
        "no hexadecimal": b"g\r\nabc\r\n0\r\n\r\n",
        "a size beyond 64 bits": b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        "a bare line feed behind the size": b"3\nabc\r\n0\r\n\r\n",
        "a bare carriage return behind the size": b"3\rabc\r\n0\r\n\r\n",
        "a bare line feed behind the data": b"3\r\nabc\n0\r\n\r\n",
        "a bare carriage return behind the data": b"3\r\nabc\r0\r\n\r\n",
        "data longer than its size": b"3\r\nabcd\r\n0\r\n\r\n",
        "data shorter than its size": b"4\r\nabc\r\n0\r\n\r\n",
        "a line feed in an extension": b"3;a=\nb\r\nabc\r\n0\r\n\r\n",
        "a carriage return in an extension": b"3;a=\rb\r\nabc\r\n0\r\n\r\n",
        "NUL in an extension": b"3;a=\0b\r\nabc\r\n0\r\n\r\n",
        "a long extension": b"3;" + b"a" * 300 + b"\r\nabc\r\n0\r\n\r\n",
        "a length in the trailer": b"3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n",
        "a coding in the trailer": b"3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "a folded trailer": b"3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n",
        "a trailer without a colon": b"3\r\nabc\r\n0\r\nX\r\n\r\n",
        "a bare line feed in the trailer": b"3\r\nabc\r\n0\r\nX: y\n\r\n",
        "a semicolon alone": b";\r\nabc\r\n0\r\n\r\n",
    }.items():
        yield case(name, body, REFUSED)
    yield Case("chunks: the end is missing", post(b"3\r\nabc\r\n", CHUNKED), (MORE,))
    yield Case("chunks: the last line is missing", post(b"3\r\nabc\r\n0\r\n", CHUNKED), (MORE,))


def upgrades() -> Iterator[Case]:
    body = (b"POST", b"/p", b"abc")
    for name in (b"websocket", b"h2c", b"TLS/1.0", b"foo", b"WebSocket", b"h2c, websocket"):
        offer = (b"Connection: Upgrade", b"Upgrade: " + name)
        yield Case(f"upgrade {name!r}", get(*offer) + NEXT, (READ, NEXT_READ))
        yield Case(
            f"upgrade {name!r} with a body",
            post(b"abc", *offer, b"Content-Length: 3") + NEXT,
            (body, NEXT_READ),
        )
        yield Case(
            f"upgrade {name!r} with chunks",
            post(b"3\r\nabc\r\n0\r\n\r\n", *offer, CHUNKED) + NEXT,
            (body, NEXT_READ),
        )
        yield Case(
            f"upgrade {name!r} whose body is a request",
            post(NEXT, *offer, b"Content-Length: %d" % len(NEXT)) + NEXT,
            ((b"POST", b"/p", NEXT), NEXT_READ),
        )
    for connection in (b"upgrade", b"Upgrade, HTTP2-Settings", b"keep-alive, Upgrade", b"UPGRADE"):
        yield Case(
            f"connection {connection!r}",
            post(b"abc", b"Connection: " + connection, b"Upgrade: h2c", b"Content-Length: 3") + NEXT,
            (body, NEXT_READ),
        )
    yield Case("upgrade alone", post(b"abc", b"Upgrade: h2c", b"Content-Length: 3") + NEXT, (body, NEXT_READ))
    yield Case(
        "connection alone",
        post(b"abc", b"Connection: Upgrade", b"Content-Length: 3") + NEXT,
        (body, NEXT_READ),
    )
    yield Case(
        "upgrade by Proxy-Connection",
        post(b"abc", b"Proxy-Connection: Upgrade", b"Upgrade: x", b"Content-Length: 3") + NEXT,
        (body, NEXT_READ),
    )
    yield Case(
        "upgrade and both framings",
        post(b"0\r\n\r\n", b"Connection: Upgrade", b"Upgrade: x", b"Content-Length: 5", CHUNKED),
        (REFUSED,),
    )
    yield Case(
        "upgrade twice in a row",
        post(b"abc", b"Connection: Upgrade", b"Upgrade: x", b"Content-Length: 3") * 2 + NEXT,
        (body, body, NEXT_READ),
    )
    yield Case("the beginning of TLS, which waits for an answer", b"\x16\x03\x01\x02\x00\x01", (REFUSED,))
    yield Case("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (REFUSED,))


def line_ends() -> Iterator[Case]:
    for name, stream in {
        "line feeds alone": b"GET / HTTP/1.1\nHost: x\n\n",
        "a line feed behind the request line": b"GET / HTTP/1.1\nHost: x\r\n\r\n",
        "a line feed behind a field": b"GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
        "a line feed before the end": b"GET / HTTP/1.1\r\nHost: x\n\r\n",
        "a carriage return in a value": get(b"X: a\rb"),
        "a carriage return behind a field": b"GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
        "two carriage returns": b"GET / HTTP/1.1\r\r\nHost: x\r\n\r\n",
        "a carriage return in the target": b"GET /\r HTTP/1.1\r\nHost: x\r\n\r\n",
        "a line feed in the target": b"GET /\n HTTP/1.1\r\nHost: x\r\n\r\n",
        "a line feed at the beginning": b"\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "a vertical tab in a value": get(b"X: a\x0bb"),
        "a form feed in a value": get(b"X: a\x0cb"),
        "NUL in a value": get(b"X: a\0b"),
        "NUL in a name": get(b"X\0: a"),
        "DEL in a value": get(b"X: a\x7fb"),
        "an escape in a value": get(b"X: a\x1bb"),
        "a folded field": get(b"X: a", b" b"),
        "a field folded by a tab": get(b"X: a", b"\tb"),
        "a folded field that is empty before": get(b"X:", b" b"),
        "a fold at the beginning": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
        "a folded Host": b"GET / HTTP/1.1\r\nHost:\r\n x\r\n\r\n",
        "a folded length": post(b"abc", b"Content-Length:", b" 3"),
        "a folded coding": post(b"0\r\n\r\n", b"Transfer-Encoding:", b" chunked"),
    }.items():
        yield Case(name, stream + NEXT, (REFUSED,))
    yield Case("several empty lines before", b"\r\n" * 3 + get() + NEXT, (READ, NEXT_READ), EMPTY_LINES)
    yield Case("one empty line before", b"\r\n" + get() + NEXT, (READ, NEXT_READ), EMPTY_LINES)
    yield Case("tabs around a value", get(b"X:\ta\t") + NEXT, (READ, NEXT_READ))
    yield Case("a value of high bytes", get(b"X: \xc3\xa9\xff") + NEXT, (READ, NEXT_READ))
    yield Case("an empty value", get(b"X:") + NEXT, (READ, NEXT_READ))


def fields() -> Iterator[Case]:
    for line in (
        b"X : y", b"X\t: y", b" X: y", b": y", b"X", b"X y", b"X y: z", b"X\xa0: y", b"X(: y", b"X@: y", b"X[: y",
        b"X,: y", b"X;: y", b"X/: y", b"X=: y", b"X{: y", b'X": y', b"X\\: y", b"X\x7f: y", b"\xffX: y", b"=", b"\x00",
    ):  # fmt: skip
        yield Case(f"field {line!r}", get(line) + NEXT, (REFUSED,))
    for line in (b"X!#$%&'*+-.^_`|~1: y", b"x: y", b"X:y", b"X:y:z", b'X: "y"', b"X_Y: z"):
        yield Case(f"field {line!r}", get(line) + NEXT, (READ, NEXT_READ))
    yield Case("many fields", get(*[b"X%d: y" % number for number in range(190)]) + NEXT, (READ, NEXT_READ))
    yield Case(
        "too many fields",
        get(*[b"X%d: y" % number for number in range(250)]) + NEXT,
        (REFUSED,),
    )
    yield Case("too large a field", get(b"X: " + b"y" * 70_000), (REFUSED,))
    yield Case("too large a target", get(target=b"/" + b"y" * 70_000), (REFUSED,))


def repeated() -> Iterator[Case]:
    for name in (
        b"X-Auth-Token", b"X-Subject-Token", b"Authorization", b"Idempotency-Key", b"Content-Type", b"Host", b"Expect",
    ):  # fmt: skip
        value = b"100-continue" if name == b"Expect" else b"a"
        yield Case(f"{name!r} twice", get(name + b": " + value, name + b": b"), (REFUSED,))
        yield Case(
            f"{name!r} twice, alike",
            get(name + b": " + value, name.lower() + b": " + value),
            (REFUSED,),
        )
    for name in (b"Accept", b"Cookie", b"X-Forwarded-For", b"X"):
        yield Case(f"{name!r} twice", get(name + b": a", name + b": b") + NEXT, (READ, NEXT_READ))


def request_lines() -> Iterator[Case]:
    for line in (
        b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET /\tHTTP/1.1", b" GET / HTTP/1.1",
        b"GET / HTTP/1.1 ", b"GET / HTTP/1.1x", b"GET / http/1.1", b"GET / HTTP/1,1", b"GET / HTTP/11", b"GET / HTTP/1.10",
        b"GET / HTTP/ 1.1", b"GET / HTTP/1.2", b"GET / HTTP/2.0", b"GET / HTTP/3", b"GET / HTTP/0.9", b"GET /", b"GET",
        b"GET / ICE/1.0", b"GET / RTSP/1.0", b"GET / /HTTP/1.1", b"GET / x HTTP/1.1", b"GET /\x01 HTTP/1.1", b"GET /\x7f HTTP/1.1",
        b"GET /\xff HTTP/1.1", b"GET /\xc3\xa9 HTTP/1.1", b"GET /\x00 HTTP/1.1", b"G\xc9T / HTTP/1.1", b"G(T / HTTP/1.1",
        b"G:T / HTTP/1.1", b"GET/ HTTP/1.1", b"GET HTTP/1.1", b"/ HTTP/1.1", b"", b"\x16\x03\x01\x02\x00",
    ):  # fmt: skip
        yield Case(
            f"request line {line!r}",
            line + b"\r\nHost: x\r\n\r\n" + NEXT,
            (REFUSED,),
        )
    yield Case("HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", (READ,))
    yield Case("HTTP/1.0 with Host", b"GET / HTTP/1.0\r\nHost: x\r\n\r\n", (READ,))


def targets() -> Iterator[Case]:
    for target, read in (
        (b"/a?b", b"/a?b"), (b"/a?b?c", b"/a?b?c"), (b"//a", b"//a"), (b"/a//b", b"/a//b"), (b"/%00", b"/%00"),
        (b"/a%2fb", b"/a%2fb"), (b"/../a", b"/../a"), (b"/?", b"/?"), (b"/a#b", b"/a#b"), (b"*", b"*"),
        (b"http://x/a?b", b"/a?b"), (b"http://x", b"/"), (b"http://x?b", b"/?b"), (b"HTTP://x:80/a", b"/a"),
        (b"https://x/a", b"/a"), (b"http:///a", b"/a"), (b"http://u:p@x/a", b"/a"), (b"ftp://x/a", b"ftp://x/a"),
        (b"http://x/http://y/", b"/http://y/"), (b"/{}|", b"/{}|"), (b"/\"'<>", b"/\"'<>"),
    ):  # fmt: skip
        yield Case(f"target {target!r}", get(target=target) + NEXT, ((b"GET", read, b""), NEXT_READ))
    for target in (b"?a", b"a", b"a:1", b"#a", b"/a b", b"\\a"):
        yield Case(f"target {target!r}", get(target=target) + NEXT, (REFUSED,))


def methods() -> Iterator[Case]:
    for method in (
        b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"PROPFIND", b"QUERY", b"FOO", b"get", b"Get", b"G",
        b"M-SEARCH", b"SOURCE", b"PRI", b"ANNOUNCE", b"!#$%&'*+-.^_`|~1",
    ):  # fmt: skip
        read = (method, b"/p", b"abc")
        yield Case(
            f"method {method!r}", post(b"abc", b"Content-Length: 3", method=method) + NEXT, (read, NEXT_READ)
        )
    yield Case(
        "CONNECT with a body",
        b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + NEXT,
        (REFUSED,),
    )


def hosts() -> Iterator[Case]:
    yield Case("no Host", get(host=b"") + NEXT, (REFUSED,))
    yield Case("an empty Host", get(host=b"Host:") + NEXT, (READ, NEXT_READ))
    for value in (b"x:80", b"[::1]:80", b"a.example", b"127.0.0.1", b"xn--nxasmq6b.example"):
        yield Case(f"Host {value!r}", get(host=b"Host: " + value) + NEXT, (READ, NEXT_READ))
    for value in (b"x/y", b"x y", b"x@y", b"x?y", b"x#y", b"x\\y", b'"x"', b"<x>", b"\xff"):
        yield Case(f"Host {value!r}", get(host=b"Host: " + value) + NEXT, (REFUSED,))


def sequences() -> Iterator[Case]:
    yield Case("three requests", get() * 3, (READ, READ, READ))
    yield Case("what is no HTTP behind a request", get() + b"nonsense\r\n\r\n", (READ, REFUSED))
    yield Case(
        "a body, then a request", post(b"abc", b"Content-Length: 3") + get(), ((b"POST", b"/p", b"abc"), READ)
    )
    yield Case("an empty line between two", get() + b"\r\n" + get(), (READ, READ), EMPTY_LINES)
    yield Case("half a head", b"GET / HTTP/1.1\r\nHost: x\r\n", (MORE,))
    yield Case("nothing", b"", (MORE,))
    yield Case(
        "a body that nobody announced",
        post(b"abc") + NEXT,
        ((b"POST", b"/p", b""), (b"abcGET", b"/next", b"")),
    )


CASES = tuple(cases())
