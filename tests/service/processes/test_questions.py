"""Questions from one process to another: how often they are asked, and who waits."""

import asyncio
import contextlib
import itertools
import socket
import threading
from collections.abc import AsyncIterator

import pytest

from astakos.processes import questions
from astakos.processes.questions import Asker, answer_questions


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[Asker]:
    """Asks for the number of the question."""
    ours, others = socket.socketpair()
    numbers = itertools.count(1)
    answering = threading.Thread(target=answer_questions, args=(others, lambda: b"%d" % next(numbers)))
    answering.start()
    asker = Asker(ours, lambda: None)
    try:
        yield asker
    finally:
        asker._questions.close()
        await asyncio.to_thread(answering.join)
        others.close()


def test_a_recent_answer_is_given_again_while_none_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def asked() -> list[bytes]:
        async with asking() as asker:
            monkeypatch.setattr(questions, "PAUSE_SECONDS", 3600.0)
            first = [await asker.recent(), await asker.recent()]
            monkeypatch.setattr(questions, "PAUSE_SECONDS", 0.0)
            return [*first, await asker.recent(), await asker.ask()]

    assert asyncio.run(asked()) == [b"1", b"1", b"2", b"3"]


def test_those_who_ask_together_share_an_answer_from_the_first_on() -> None:
    async def asked() -> tuple[bytes, ...]:
        async with asking() as asker:
            return tuple(await asyncio.gather(asker.recent(), asker.ask(), asker.recent()))

    assert asyncio.run(asked()) == (b"1", b"1", b"1")
