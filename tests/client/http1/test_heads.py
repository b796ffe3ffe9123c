"""What is a head, and what is refused for one."""

import pytest

from astakosclient.http1.decoding import UnusableAnswer
from astakosclient.http1.heads import LONGEST_LINE, MOST_FIELDS, check_trailer, parse_head


def head_with(*lines: str, status_line: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([status_line, *lines]).encode("latin-1")


def test_a_head_is_taken_apart() -> None:
    head = parse_head(head_with("X-Thing: some  thing\t ", "CONTENT-LENGTH:5", "x-empty:"))
    assert (head.status, head.reason) == (200, "OK")
    assert head.headers == {"x-thing": "some  thing", "content-length": "5", "x-empty": ""}
    assert (head.length, head.chunked, head.lasting) == (5, False, True)


@pytest.mark.parametrize(
    ("status_line", "status", "reason"),
    [
        ("HTTP/1.1 404 Not Found", 404, "Not Found"),
        ("HTTP/1.0 999 ", 999, ""),
        ("HTTP/1.1 204", 204, ""),
        ("HTTP/1.1 200 trés bien ", 200, "trés bien"),
    ],
)
def test_status_lines(status_line: str, status: int, reason: str) -> None:
    head = parse_head(head_with(status_line=status_line))
    assert (head.status, head.reason, head.headers) == (status, reason, {})


@pytest.mark.parametrize(
    "status_line",
    [
        "",
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 200OK",
        "HTTP/1.1  200 OK",
        " HTTP/1.1 200 OK",
        "http/1.1 200 OK",
        "HTTP/1.2 200 OK",
        "HTTP/2 200",
        "HTTP/0.9 200 OK",
        "HTTP/1.1 200 O\0K",
        "HTTP/1.1 200 O\rK",
        "HTTP/1.1 ²00 OK",
    ],
)
def test_a_malformed_status_line_is_refused(status_line: str) -> None:
    with pytest.raises(UnusableAnswer, match="not HTTP"):
        parse_head(head_with(status_line=status_line))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no colon",
        ": no name",
        "Space-Before-Colon : x",
        "Space in Name: x",
        " folded: by a space",
        "\tfolded: by a tab",
        "Bare-CR: a\rb",
        "Bare-LF: a\nb",
        "Nul: a\0b",
        "Escape: a\x1bb",
        "Delete: a\x7fb",
        "Nämé: x",
        "Bracket[: x",
    ],
)
def test_a_malformed_header_is_refused(line: str) -> None:
    with pytest.raises(UnusableAnswer, match="header"):
        parse_head(head_with("Good: one", line, "Good: another"))
    with pytest.raises(UnusableAnswer, match="header"):
        check_trailer(line.encode("latin-1"))


def test_the_value_of_a_malformed_header_is_not_repeated() -> None:
    with pytest.raises(UnusableAnswer) as refused:
        parse_head(head_with("X-Auth-Token: UQpYas7ElzWGD5yCcEXtjw\0"))
    assert "X-Auth-Token" in str(refused.value)
    assert "UQpYas7ElzWGD5yCcEXtjw" not in str(refused.value)


def test_the_number_of_headers_is_limited() -> None:
    assert len(parse_head(head_with(*(f"X-{number}: y" for number in range(MOST_FIELDS)))).headers) == 100
    with pytest.raises(UnusableAnswer, match="more than 100 headers"):
        parse_head(head_with(*["X: y"] * (MOST_FIELDS + 1)))


def test_the_length_of_a_line_is_limited() -> None:
    longest = "X: " + "y" * (LONGEST_LINE - 3)
    assert parse_head(head_with(longest, "Z: z")).headers["z"] == "z"
    with pytest.raises(UnusableAnswer, match="more than 16384 bytes"):
        parse_head(head_with(longest + "y"))
    with pytest.raises(UnusableAnswer, match="more than 16384 bytes"):
        parse_head(head_with(status_line="HTTP/1.1 200 " + "y" * LONGEST_LINE))


def test_values_of_one_name_are_joined() -> None:
    assert parse_head(head_with("Vary: a", "X: y", "vary: b")).headers["vary"] == "a, b"


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: +5"],
        ["Content-Length: -5"],
        ["Content-Length: 5 5"],
        ["Content-Length: 5_0"],
        ["Content-Length: 0x5"],
        ["Content-Length: 5.0"],
        ["Content-Length: ²"],
        ["Content-Length:"],
        ["Content-Length: " + "1" * 16],
        ["Content-Length: " + "1" * 5000],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "Content-Length: 05"],
        ["Content-Length: 5,6"],
    ],
)
def test_a_length_in_doubt_is_refused(lines: list[str]) -> None:
    with pytest.raises(UnusableAnswer, match="an invalid Content-Length"):
        parse_head(head_with(*lines))


def test_the_same_length_twice_is_one_length() -> None:
    assert parse_head(head_with("Content-Length: 5", "Content-Length: 5")).length == 5


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked", ""])
def test_a_transfer_encoding_other_than_chunked_is_refused(coding: str) -> None:
    with pytest.raises(UnusableAnswer, match="other than chunked"):
        parse_head(head_with(f"Transfer-Encoding: {coding}"))


def test_chunked_twice_is_refused() -> None:
    with pytest.raises(UnusableAnswer, match="other than chunked"):
        parse_head(head_with("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"))


def test_chunks_have_no_place_beside_a_length_or_in_an_older_version() -> None:
    assert parse_head(head_with("Transfer-Encoding: Chunked")).chunked
    for head in (
        head_with("Transfer-Encoding: chunked", "Content-Length: 5"),
        head_with("Transfer-Encoding: chunked", status_line="HTTP/1.0 200 OK"),
    ):
        with pytest.raises(UnusableAnswer, match="with Content-Length"):
            parse_head(head)


@pytest.mark.parametrize(
    ("status_line", "lines", "lasting"),
    [
        ("HTTP/1.1 200 OK", [], True),
        ("HTTP/1.1 200 OK", ["Connection: Close"], False),
        ("HTTP/1.1 200 OK", ["Connection: keep-alive", "Connection: close"], False),
        ("HTTP/1.0 200 OK", [], False),
        ("HTTP/1.0 200 OK", ["Connection: Keep-Alive"], True),
    ],
)
def test_whether_the_connection_lasts(status_line: str, lines: list[str], lasting: bool) -> None:
    assert parse_head(head_with(*lines, status_line=status_line)).lasting is lasting


@pytest.mark.parametrize(
    ("status", "method", "none"),
    [(200, "GET", False), (204, "GET", True), (304, "GET", True), (200, "HEAD", True), (205, "GET", False)],
)
def test_which_answers_have_no_body(status: int, method: str, none: bool) -> None:
    assert parse_head(head_with(status_line=f"HTTP/1.1 {status}")).has_no_body(method) is none
