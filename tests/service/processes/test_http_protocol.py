"""A request may bring along so much beside its body, and no more, lest one connection fill the memory."""

import json
import select
import socket
from urllib.parse import urlsplit

import pytest

from astakos.processes.http_protocol import HEAD_LIMIT
from service.caller import Caller
from service.world import COMPUTE_TOKEN

START = b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST /astakos/account/v1.0/commissions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
MUCH = 64 * HEAD_LIMIT


def sent(service: Caller, beginning: bytes, piece: bytes) -> tuple[int, bytes]:
    """Send pieces until the service has had enough: how many bytes that were, and what it answers."""
    parts = urlsplit(service.base_url)
    count, answer = 0, b""
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        try:
            connection.sendall(beginning)
            while count < MUCH:
                connection.sendall(piece)
                count += len(piece)
            answer = connection.recv(65536)
        except ConnectionError:
            # It does not read any more, and so the answer may have been lost.
            return count, answer
    return count, answer


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (START, b"X: " + b"y" * 4000 + b"\r\n"),
        (START + b"X: ", b"y" * 4096),
        (START, b"X: y\r\n" * 500),
        (b"GET /", b"y" * 4096),
        (CHUNKED + b"\r\n0\r\n", b"X: " + b"y" * 4000 + b"\r\n"),
        (CHUNKED + b"\r\n5;", b"y" * 4096),
        (b"", b"\r\n" * 2000),
    ],
    ids=["headers", "a header", "short headers", "a target", "trailers", "an extension", "empty lines"],
)
def test_what_does_not_end_is_cut_off(standing_service: Caller, beginning: bytes, piece: bytes) -> None:
    count, answer = sent(standing_service, beginning, piece)
    assert count < MUCH or answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    assert standing_service.get("/healthz").status == 200


def test_the_answer_says_what_is_wrong(standing_service: Caller) -> None:
    parts = urlsplit(standing_service.base_url)
    answer = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(START + b"X: ")
        # Slowly, so that nothing is under way any more that the service would not read.
        while not select.select([connection], [], [], 0.02)[0]:
            connection.sendall(b"y" * 16_384)
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 431 ")
    fault = json.loads(answer.partition(b"\r\n\r\n")[2])["requestHeaderFieldsTooLarge"]
    assert fault["code"] == 431
    assert str(HEAD_LIMIT) in fault["message"]


def test_large_heads_and_bodies_in_small_chunks_are_taken(service: Caller) -> None:
    assert service("GET", "/healthz", headers={"X": "y" * (HEAD_LIMIT - 1000)}).status == 200
    content = b'{"provisions": []' + b" " * 100_000 + b"}"
    head = CHUNKED + b"X-Auth-Token: %b\r\nContent-Type: application/json\r\n" % COMPUTE_TOKEN.encode()
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in content) + b"0\r\n\r\n"
    answer = service.raw(head + b"Connection: close\r\n\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 201 ")


def test_each_request_of_a_connection_has_the_same_room(standing_service: Caller) -> None:
    request = START + b"X: " + b"y" * (HEAD_LIMIT // 2) + b"\r\n\r\n"
    last = request.replace(b"Host", b"Connection: close\r\nHost")
    answer = standing_service.raw(request * 8 + last)
    assert answer.count(b"HTTP/1.1 200 ") == 9


BODY = b'{"provisions": []}'
ISSUE = (
    b"POST /astakos/account/v1.0/commissions HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %b\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    % (COMPUTE_TOKEN.encode(), len(BODY), BODY)
)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_what_is_no_http_is_no_answer_to_the_requests_before(
    service: Caller, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    for _ in range(50):
        answer = service.raw(ISSUE * count + b"nonsense\r\n\r\n")
        statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
        # Where all had been answered, the last is about the nonsense.
        assert statuses in ([b"201"] * done for done in range(count + 1)) or (
            statuses == [b"201"] * count + [b"400"]
        )
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert service.get("/healthz").status == 200


def test_a_body_that_is_no_http_is_answered(standing_service: Caller) -> None:
    head = CHUNKED + b"X-Auth-Token: %b\r\nContent-Type: application/json\r\n\r\n" % COMPUTE_TOKEN.encode()
    assert standing_service.raw(head + b"nonsense\r\n").startswith(b"HTTP/1.1 400 ")


def test_who_goes_away_with_several_requests_under_way_is_no_error(
    service: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        service.leave(ISSUE * 5)
    assert service.get("/healthz").status == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


FEEDBACK = b"/astakos/account/v1.0/feedback"
OFFERS = [
    b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" % FEEDBACK,
    b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" % FEEDBACK,
    b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n",
]


@pytest.mark.parametrize("offer", OFFERS)
def test_the_body_of_a_request_that_offers_an_upgrade_is_never_read_as_a_request(
    service: Caller, offer: bytes
) -> None:
    smuggled = b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = service.raw(offer + b"Content-Length: %d\r\n\r\n%b" % (len(smuggled), smuggled))
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"400"]
    assert b"alive" not in answer
    assert service.get("/healthz").status == 200
