"""Answers that a client does not take keep it waiting, and make room for those of others."""

from astakos.server.connection import READ_AHEAD
from astakos.server.limits import Limits
from astakos.server.untaken_answers import UntakenAnswers
from service.server.doubles import Wire
from service.server.test_connection import GET, post


def test_changes_of_what_is_held_are_told_once() -> None:
    told: list[int] = []
    untaken = UntakenAnswers(told.append)
    untaken.become_too_many(600)
    assert (untaken.measure(400), told) == (400, [600])
    untaken.become_few()
    assert (untaken.measure(300), told) == (0, [600, -400])
    untaken.let_go()
    assert told == [600, -400]


def test_a_client_must_take_what_there_is_at_some_speed_after_a_while() -> None:
    limits = Limits(answer_seconds=30, body_bytes_per_second=1000)
    untaken = UntakenAnswers(lambda _: None)
    assert [untaken.take_too_long(10_000, now, limits) for now in (0, 30, 31)] == [False, False, True]
    # 5000 bytes in 35 seconds, and nothing more.
    assert [untaken.take_too_long(5000, now, limits) for now in (35, 36)] == [False, True]
    # All is taken: the next ones have their own time.
    assert [untaken.take_too_long(size, 40, limits) for size in (0, 10_000)] == [False, False]
    assert [untaken.take_too_long(10_000, now, limits) for now in (70, 71)] == [False, True]


def test_the_next_request_waits_until_they_are() -> None:
    wire = Wire()
    wire.connection.pause_writing()
    wire.send(GET * 20)
    assert wire.statuses == []
    wire.connection.resume_writing()
    while wire.turns.turn():
        pass
    assert wire.statuses == [200] * 20


def test_a_turn_of_many_requests_ends_with_the_one_that_is_too_much() -> None:
    wire = Wire()
    write = wire.transport.write

    def write_and_be_full(data: bytes) -> None:
        write(data)
        if len(wire.statuses) == 3:
            wire.connection.pause_writing()

    wire.transport.write = write_and_be_full  # type: ignore[method-assign]
    wire.send(GET * 10)
    assert len(wire.statuses) == 3
    wire.connection.resume_writing()
    while wire.turns.turn():
        pass
    assert len(wire.statuses) == 10


def test_meanwhile_only_so_much_is_read_ahead() -> None:
    wire = Wire()
    wire.connection.pause_writing()
    wire.send(GET * (READ_AHEAD // len(GET) + 1))
    assert wire.transport.is_paused
    wire.connection.resume_writing()
    while wire.turns.turn():
        pass
    assert not wire.transport.is_paused


def test_a_request_that_is_under_way_is_carried_out() -> None:
    wire = Wire()
    whole = post(b"/p", b"abc")
    wire.send(whole[:-1])
    wire.connection.pause_writing()
    wire.send(whole[-1:] + GET)
    assert wire.statuses == [200]
    wire.connection.resume_writing()
    while wire.turns.turn():
        pass
    assert wire.statuses == [200, 200]


def test_the_connection_with_most_of_them_makes_room() -> None:
    first = Wire(Limits(unsent_bytes=1000))
    wires = [first, *(Wire(server=first.server) for _ in range(2))]
    for wire, size in zip(wires, (600, 300, 200), strict=True):
        wire.transport.untaken = size
        wire.connection.pause_writing()
    for wire in wires:
        wire.turns.turn()
    wires[-1].connection._server.loop.turn()  # type: ignore[attr-defined]
    assert [wire.transport.is_aborted for wire in wires] == [True, False, False]
    assert first.server._unsent == 500


def test_what_has_been_taken_since_makes_room_first() -> None:
    first = Wire(Limits(unsent_bytes=1000))
    second = Wire(server=first.server)
    first.transport.untaken = 600
    first.connection.pause_writing()
    first.transport.untaken = 100
    second.transport.untaken = 600
    second.connection.pause_writing()
    second.turns.turn()
    assert [first.transport.is_aborted, second.transport.is_aborted] == [False, False]
    assert first.server._unsent == 700


def test_a_connection_that_is_over_holds_nothing() -> None:
    wire = Wire()
    wire.transport.untaken = 600
    wire.connection.pause_writing()
    wire.connection.connection_lost(None)
    assert wire.server._unsent == 0
