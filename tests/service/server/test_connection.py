"""What a connection does with requests, and what it may take up."""

import json

import pytest

from astakos.server.connection import READ_AHEAD, REQUESTS_PER_TURN, SKIPPED_AT_MOST
from astakos.server.limits import Limits
from service.server.corpus import CASES, MORE, REFUSED, Case
from service.server.doubles import Wire, statuses_of

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /z HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def post(path: bytes, body: bytes, *fields: bytes) -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


# The answers to HEAD say how long a body would be that they do not have.
@pytest.mark.parametrize(
    "case", [case for case in CASES if b"HEAD" not in case.stream], ids=lambda case: case.name
)
def test_each_request_of_a_stream_is_answered_once_and_in_order(case: Case) -> None:
    wire = Wire()
    for path in ("/", "/p", "/next"):
        wire.site.limits[path] = 100_000
    wire.send(case.stream)
    whole = [one for one in case.read if isinstance(one, tuple)]
    assert [seen[0].encode() for seen in wire.site.seen] == [one[0] for one in whole]
    assert [seen[2] for seen in wire.site.seen] == [one[2] for one in whole]
    statuses = wire.statuses
    assert len(statuses) == len(case.read) - (MORE in case.read)
    assert statuses[: len(whole)] == [200] * len(whole)
    if REFUSED in case.read:
        assert statuses[-1] in {400, 405, 413, 417, 431, 505}
        assert wire.is_over
        assert b"connection: close" in wire.transport.written


class TestAnswers:
    def test_one_is_one_write_with_all_that_belongs_to_it(self) -> None:
        wire = Wire()
        wire.send(GET)
        head, _, body = bytes(wire.transport.written).partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "HTTP/1.1 200 OK"
        names = [line.partition(":")[0] for line in lines[1:]]
        assert len(set(names)) == len(names)
        assert {"date", "content-type", "content-length", "cache-control", "x-request-id"} <= set(names)
        assert json.loads(body) == ["GET", "/a", 0]

    def test_to_head_only_the_length_of_the_body_is_told(self) -> None:
        wire = Wire()
        wire.send(GET.replace(b"GET", b"HEAD"))
        head, _, body = bytes(wire.transport.written).partition(b"\r\n\r\n")
        assert b"content-length: " in head
        assert body == b""

    def test_204_has_neither_body_nor_length(self) -> None:
        wire = Wire()
        wire.send(GET.replace(b"/a", b"/nothing") + LAST)
        written = bytes(wire.transport.written)
        assert b"content-length" not in written.partition(b"\r\n\r\n")[0]
        assert wire.statuses == [204, 200]

    def test_after_the_last_nothing_is_read(self) -> None:
        wire = Wire()
        wire.send(LAST + GET)
        assert wire.statuses == [200]
        assert wire.is_over
        wire.send(GET)
        assert wire.statuses == [200]

    def test_http_1_0_gets_one(self) -> None:
        wire = Wire()
        wire.send(b"GET / HTTP/1.0\r\n\r\n" + GET)
        assert wire.statuses == [200]
        assert wire.is_over


class TestTurns:
    def test_a_connection_gives_others_a_turn_after_some_requests(self) -> None:
        wire = Wire()
        wire.send(GET * 100, turns=False)
        assert len(wire.statuses) == REQUESTS_PER_TURN
        turns = 1
        while wire.turns.turn():
            turns += 1
        assert len(wire.statuses) == 100
        assert turns >= 100 / REQUESTS_PER_TURN

    def test_a_body_of_tiny_chunks_takes_many_turns(self) -> None:
        wire = Wire()
        wire.site.limits["/p"] = 100_000
        head = b"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire.send(head + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n", turns=False)
        turns = 1
        while wire.turns.turn():
            turns += 1
        assert wire.statuses == [200]
        assert wire.site.seen[0][2] == b"a" * 50_000
        assert turns > 20

    def test_while_one_is_answered_only_so_much_is_read_ahead(self) -> None:
        wire = Wire()
        wire.send(GET.replace(b"/a", b"/wait") + GET * 10)
        paused = [wire.transport.is_paused]
        wire.send(GET * (READ_AHEAD // len(GET)))
        assert [*paused, wire.transport.is_paused] == [False, True]
        assert wire.statuses == []


class TestBodiesThatAreNotNeeded:
    def test_they_are_answered_by_the_head_and_skipped(self) -> None:
        wire = Wire()
        wire.site.limits["/p"] = 0
        head, _, body = post(b"/p", b"abc").partition(b"\r\n\r\n")
        wire.send(head + b"\r\n\r\n")
        assert wire.statuses == [200]
        wire.send(body + GET)
        assert wire.statuses == [200, 200]
        assert [seen[2] for seen in wire.site.seen] == [b"", b""]

    def test_a_request_in_one_is_none(self) -> None:
        wire = Wire()
        wire.site.limits["/p"] = 0
        wire.send(post(b"/p", GET * 3) + LAST)
        assert wire.statuses == [200, 200]

    def test_too_large_ones_are_refused_by_the_head(self) -> None:
        wire = Wire()
        wire.send(b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n")
        assert wire.statuses == [413]

    def test_much_too_large_ones_end_the_connection(self) -> None:
        wire = Wire()
        wire.send(b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (SKIPPED_AT_MOST + 1))
        assert wire.statuses == [413]
        assert wire.is_over

    def test_those_that_turn_out_too_large_end_the_connection(self) -> None:
        wire = Wire()
        head = b"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire.send(head + b"fff\r\n" + b"a" * 0xFFF)
        assert wire.statuses == [413]
        assert wire.is_over
        assert wire.connection.collected == 0

    def test_after_the_last_answer_they_are_dropped_up_to_a_bound(self) -> None:
        wire = Wire()
        wire.send(b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        for _ in range(200):
            wire.send(b"a" * 65536)
        aborted = [wire.transport.is_aborted]
        for _ in range(200):
            wire.send(b"a" * 65536)
        assert [*aborted, wire.transport.is_aborted] == [False, True]
        assert wire.connection.collected == 0


class TestExpectations:
    HEAD = b"POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"

    def test_the_client_is_told_to_go_on(self) -> None:
        wire = Wire()
        wire.send(self.HEAD)
        assert wire.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.send(b"abc")
        assert wire.statuses == [100, 200]

    def test_not_if_the_body_is_there_already(self) -> None:
        wire = Wire()
        wire.send(self.HEAD + b"abc")
        assert wire.statuses == [200]

    def test_not_if_the_body_is_not_needed_and_then_the_connection_ends(self) -> None:
        wire = Wire()
        wire.site.limits["/p"] = 0
        wire.send(self.HEAD)
        assert wire.statuses == [200]
        assert wire.is_over

    def test_other_expectations_cannot_be_met(self) -> None:
        wire = Wire()
        wire.send(self.HEAD.replace(b"100-continue", b"200-ok"))
        assert wire.statuses == [417]


class TestDeadlines:
    LIMITS = Limits(head_seconds=10, body_grace_seconds=10, body_bytes_per_second=1000, idle_seconds=75)

    def after(self, wire: Wire, seconds: float) -> None:
        """Lets time pass, and looks at deadlines as the server does each second."""
        until = wire.turns.moment + seconds
        while wire.turns.moment < until:
            wire.turns.moment += 1
            if wire.turns.moment >= wire.connection.deadline and not wire.is_over:
                wire.connection.time_is_up()
            wire.connection.look_at_unsent(wire.turns.moment)

    def test_a_head_has_so_long_from_its_first_byte_however_it_drips(self) -> None:
        wire = Wire(self.LIMITS)
        self.after(wire, 70)
        for byte in GET[:9]:
            wire.send(bytes([byte]))
            self.after(wire, 1)
        assert not wire.is_over
        wire.send(GET[9:10])
        self.after(wire, 2)
        assert wire.statuses == [408]
        assert wire.is_over

    def test_a_body_must_come_at_some_speed_after_a_while(self) -> None:
        wire = Wire(self.LIMITS)
        wire.site.limits["/p"] = 100_000
        wire.send(post(b"/p", b"a" * 50_000)[:-50_000])
        for _ in range(30):
            wire.send(b"a" * 1000)
            self.after(wire, 1)
        assert not wire.is_over
        for _ in range(20):
            wire.send(b"a" * 100)
            self.after(wire, 1)
        assert wire.statuses == [408]
        assert wire.connection.collected == 0

    def test_an_idle_connection_is_closed_without_a_word(self) -> None:
        wire = Wire(self.LIMITS)
        wire.send(GET)
        self.after(wire, 74)
        over = [wire.is_over]
        self.after(wire, 2)
        assert [*over, wire.is_over] == [False, True]
        assert wire.statuses == [200]

    def test_an_answer_that_is_not_taken_ends_the_connection(self) -> None:
        wire = Wire(self.LIMITS)
        wire.send(GET)
        wire.transport.untaken = 100_000
        self.after(wire, 25)
        assert not wire.is_over
        self.after(wire, 10)
        assert wire.transport.is_aborted

    def test_one_that_is_taken_steadily_does_not(self) -> None:
        wire = Wire(self.LIMITS)
        wire.send(GET)
        for second in range(50):
            wire.transport.untaken = 100_000 - second * 1100
            self.after(wire, 1)
        assert not wire.is_over

    def test_after_the_last_answer_a_client_has_some_seconds(self) -> None:
        wire = Wire(self.LIMITS)
        wire.send(LAST)
        aborted = [wire.transport.is_aborted]
        wire.turns.moment += 6
        assert wire.turns.moment >= wire.connection.deadline
        wire.connection.time_is_up()
        assert [*aborted, wire.transport.is_aborted] == [False, True]

    @pytest.mark.parametrize("request_", [GET, LAST])
    def test_who_still_takes_an_answer_is_not_cut_off(self, request_: bytes) -> None:
        wire = Wire(self.LIMITS)
        wire.send(request_)
        for second in range(200):
            wire.transport.untaken = 300_000 - second * 1100
            self.after(wire, 1)
        assert not wire.transport.is_aborted
        wire.transport.untaken = 0
        wire.turns.moment += 80
        wire.connection.time_is_up()
        assert wire.transport.is_closing()

    def test_each_answer_has_its_time(self) -> None:
        wire = Wire(self.LIMITS)
        wire.transport.untaken = 100_000
        for _ in range(10):
            wire.connection.pause_writing()
            self.after(wire, 20)
            wire.connection.resume_writing()
        assert not wire.is_over


class TestSharedRoom:
    def test_the_largest_unfinished_body_makes_room(self) -> None:
        first = Wire(Limits(collected_bytes=1000))
        wires = [first, *(Wire(server=first.server) for _ in range(2))]
        for wire in wires:
            wire.server = first.server
        sizes = (600, 300, 200)
        for wire, size in zip(wires, sizes, strict=True):
            wire.connection._server.site.limits["/p"] = 10_000  # type: ignore[attr-defined]
            wire.send(post(b"/p", b"a" * 5000)[:-5000] + b"a" * size)
        assert [wire.statuses for wire in wires] == [[503], [], []]
        assert first.is_over
        assert first.server._collected == 500

    @pytest.mark.parametrize("how", ["evicted", "refused", "lost"])
    def test_a_connection_that_is_over_holds_nothing_of_it(self, how: str) -> None:
        wire = Wire()
        wire.site.limits["/p"] = 10_000
        wire.send(post(b"/p", b"a" * 5000)[:-1])
        if how == "lost":
            wire.connection.connection_lost(None)
        else:
            (wire.connection.evict if how == "evicted" else wire.connection.time_is_up)()
            wire.send(b"a" * 5000)
        reader = wire.connection._reader
        assert (reader.take_body(), reader.buffered, wire.server._collected) == (b"", 0, 0)


def test_who_goes_away_before_the_body_has_come_is_counted() -> None:
    wire = Wire()
    wire.send(post(b"/p", b"abc")[:-1])
    wire.connection.connection_lost(None)
    assert wire.site.gone == ["/p"]
    assert wire.connection.collected == 0
    assert wire.server._collected == 0


def test_what_two_answers_look_like_to_a_client() -> None:
    assert statuses_of(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 204 X\r\n\r\n") == [200, 204]
