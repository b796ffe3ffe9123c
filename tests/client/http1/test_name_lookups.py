"""Names are resolved within a deadline, whatever the name server does."""

import os
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from astakosclient.http1 import name_lookups
from astakosclient.http1.name_lookups import Lookup, UnresolvedInTimeError, resolve
from silent_names import SILENT, SilentServer, silent_names

SOON = 0.05
PATIENT = 10.0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentServer]:
    with silent_names(monkeypatch) as found:
        yield found


def addresses(host: str, seconds: float) -> set[tuple[str, int]]:
    return {entry[4][:2] for entry in resolve(host, 80, seconds)}


def test_a_name_server_that_does_not_answer_is_not_waited_for(server: SilentServer) -> None:
    with pytest.raises(UnresolvedInTimeError, match=rf"no name server resolved {SILENT} in time"):
        resolve(SILENT, 80, SOON)


def test_callers_who_come_meanwhile_join_the_one_who_asks(server: SilentServer) -> None:
    for _ in range(5):
        with pytest.raises(UnresolvedInTimeError):
            resolve(SILENT, 80, SOON)
    assert server.asked == [SILENT]


def test_an_answer_that_comes_late_is_there_for_the_next_caller(server: SilentServer) -> None:
    with pytest.raises(UnresolvedInTimeError):
        resolve(SILENT, 80, SOON)
    server.answer("127.0.0.7")
    server.join()
    assert addresses(SILENT, PATIENT) == {("127.0.0.7", 80)}
    assert server.asked == [SILENT]


def test_a_late_answer_is_not_used_for_long(server: SilentServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_lookups, "LATE_SECONDS", 0.0)
    for _ in range(2):
        with pytest.raises(UnresolvedInTimeError):
            resolve(SILENT, 80, SOON)
        server.answer("127.0.0.7")
        server.join()
    assert server.asked == [SILENT, SILENT]


def test_an_answer_that_is_in_time_is_not_kept(server: SilentServer) -> None:
    for number in (1, 2):
        thread = threading.Thread(target=server.answer, args=(f"127.0.0.{number}",))
        thread.start()
        assert addresses(SILENT, PATIENT) == {(f"127.0.0.{number}", 80)}
        thread.join()
        server.join()


def test_no_more_than_so_many_names_are_looked_up_at_once(
    server: SilentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_lookups, "MOST_LOOKUPS", 2)
    for name in ("a", "b"):
        with pytest.raises(UnresolvedInTimeError, match="in time"):
            resolve(f"{name}.{SILENT}", 80, SOON)
    with pytest.raises(UnresolvedInTimeError, match="2 other names are waiting"):
        resolve(f"c.{SILENT}", 80, PATIENT)
    assert addresses("127.0.0.1", SOON) == {("127.0.0.1", 80)}


class AtTheLastMoment(Future[str]):
    """Has its answer just after the time of whoever waits is over."""

    def result(self, timeout: float | None = None) -> str:
        if timeout is None:
            return super().result()
        self.set_result("found")
        raise TimeoutError


def test_an_answer_that_comes_at_the_last_moment_is_one() -> None:
    lookup = Lookup[str]("a name")
    lookup.answer = AtTheLastMoment()
    assert lookup.result(1) == "found"
    assert not lookup.was_given_up


def test_a_name_that_does_not_exist_is_an_error_of_the_resolver() -> None:
    with pytest.raises(socket.gaierror):
        resolve("nobody.invalid", 80, PATIENT)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.1"])
def test_a_numeric_address_needs_nobody(
    address: str, server: SilentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_lookups, "MOST_LOOKUPS", 0)
    assert addresses(address, 0) == {("::1" if ":" in address else "127.0.0.1", 80)}


def test_a_name_that_is_none_is_refused_as_before() -> None:
    with pytest.raises(UnicodeError):
        resolve("a" * 64 + ".example", 80, PATIENT)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_after_a_fork_the_child_asks_anew(server: SilentServer) -> None:
    with pytest.raises(UnresolvedInTimeError):
        resolve("localhost." + SILENT, 80, SOON)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # In the parent, one lookup is under way; here none is.
        os.write(writing, str(len(name_lookups._lookups._of)).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        assert told.read() == "0"
    assert len(name_lookups._lookups._of) == 1
