"""Names and UUIDs, remembered and asked for together, against the real service."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from astakosclient import Answer, AstakosClient, AsyncAstakosClient, HttpTransport, Request, Timeout, errors
from service.world import ALICE, BOB, CHLOE, COMPUTE_TOKEN, UNKNOWN_UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from astakosclient.lookups.lookups import Lookups
    from service.caller import Caller


class Counting:
    """Carries requests, counts them, and lets them wait if it is told to."""

    def __init__(self, url: str) -> None:
        self.count = 0
        self.gate = threading.Event()
        self.gate.set()
        self._transport = HttpTransport(url)

    def send(self, request: Request, timeout: Timeout) -> Answer:
        self.count += 1
        self.gate.wait(5)
        return self._transport.send(request, timeout)


@pytest.fixture
def transport(service: Caller) -> Counting:
    return Counting(service.base_url)


@pytest.fixture
def users(service: Caller, transport: Counting) -> Lookups:
    client = AstakosClient(service.base_url, transport=transport)
    return client.lookups(COMPUTE_TOKEN, as_service=True)


def test_what_was_found_is_not_asked_for_again(users: Lookups, transport: Counting) -> None:
    for _ in range(3):
        assert users.get_username(ALICE.uuid) == ALICE.email
        assert users.get_uuid(ALICE.email) == ALICE.uuid
    assert transport.count == 2
    assert users.get_usernames([ALICE.uuid, CHLOE.uuid]) == {ALICE.uuid: ALICE.email, CHLOE.uuid: CHLOE.email}
    assert users.get_uuids([ALICE.email]) == {ALICE.email: ALICE.uuid}
    assert transport.count == 3
    users.forget()
    users.get_username(ALICE.uuid)
    assert transport.count == 4


def test_who_is_unknown_is_told_and_asked_for_again(users: Lookups, transport: Counting) -> None:
    for _ in range(2):
        with pytest.raises(errors.NoUserName):
            users.get_username(UNKNOWN_UUID)
        with pytest.raises(errors.NoUUID):
            users.get_uuid("nobody@example.org")
        assert users.get_usernames([UNKNOWN_UUID]) == {}
    assert transport.count == 6
    with pytest.raises(errors.BadValue):
        users.get_username(None)  # type: ignore[arg-type]  # what is tested


SPELLINGS = [CHLOE.email, CHLOE.email.upper(), CHLOE.email.title()]


def test_each_spelling_of_a_name_is_found_as_when_asked_alone(users: Lookups, service: Caller) -> None:
    client = AstakosClient(service.base_url)
    alone = {spelling: client.get_uuid(ALICE.token, spelling) for spelling in SPELLINGS}
    assert set(alone.values()) == {CHLOE.uuid}
    together = [*SPELLINGS, "Nobody@example.org", "nobody@example.org", ALICE.email]
    expected = {**alone, ALICE.email: ALICE.uuid}
    assert client.get_uuids(ALICE.token, together) == expected
    assert client.service_get_uuids(COMPUTE_TOKEN, together) == expected
    assert users.get_uuids(together) == expected
    assert users.get_uuids(together) == expected


def test_spellings_that_threads_ask_for_at_the_same_time_are_all_found(
    users: Lookups, transport: Counting
) -> None:
    transport.gate.clear()
    found: dict[str, object] = {}
    threads = [start(users, ALICE.uuid, found, users.get_uuid)]
    wait_until_asked(transport)
    threads += [start(users, spelling, found, users.get_uuid) for spelling in SPELLINGS]
    wait_until_joined(users, SPELLINGS)
    transport.gate.set()
    for thread in threads:
        thread.join(5)
    assert isinstance(found.pop(ALICE.uuid), errors.NoUUID)
    assert found == dict.fromkeys(SPELLINGS, CHLOE.uuid)
    assert transport.count == 2


def test_spellings_that_tasks_ask_for_at_the_same_time_are_all_found(service: Caller) -> None:
    async def main() -> list[str]:
        async with AsyncAstakosClient(service.base_url) as client:
            users = client.lookups(COMPUTE_TOKEN, as_service=True)
            return await asyncio.gather(*map(users.get_uuid, SPELLINGS))

    assert asyncio.run(main()) == [CHLOE.uuid] * len(SPELLINGS)


def start(
    users: Lookups, wanted: str, found: dict[str, object], ask: Callable[[str], str] | None = None
) -> threading.Thread:
    def look_up() -> None:
        try:
            found[wanted] = (ask or users.get_username)(wanted)
        except errors.AstakosClientException as error:
            found[wanted] = error

    thread = threading.Thread(target=look_up)
    thread.start()
    return thread


def wait_until_joined(users: Lookups, wanted: Iterable[str]) -> None:
    """Waits until threads have joined the batch that will be sent next."""
    kinds = (users._names, users._uuids)
    missing = set(wanted)
    while not any(kind._collecting and kind._collecting.wanted >= missing for kind in kinds):
        time.sleep(0.001)


def wait_until_asked(transport: Counting) -> None:
    while transport.count == 0:
        time.sleep(0.001)


def test_threads_that_ask_meanwhile_share_one_request(users: Lookups, transport: Counting) -> None:
    transport.gate.clear()
    found: dict[str, object] = {}
    threads = [start(users, ALICE.uuid, found)]
    wait_until_asked(transport)
    threads += [start(users, person.uuid, found) for person in (BOB, CHLOE, BOB)]
    threads.append(start(users, UNKNOWN_UUID, found))
    time.sleep(0.05)
    transport.gate.set()
    for thread in threads:
        thread.join(5)
    assert isinstance(found.pop(UNKNOWN_UUID), errors.NoUserName)
    assert found == {person.uuid: person.email.lower() for person in (ALICE, BOB, CHLOE)}
    assert transport.count == 2


def test_a_failure_is_told_to_all_who_share_it_and_the_next_one_is_served(service: Caller) -> None:
    transport = Counting(service.base_url)
    client = AstakosClient(service.base_url, transport=transport)
    users = client.lookups("not a token of anybody", as_service=True)
    transport.gate.clear()
    found: dict[str, object] = {}
    threads = [start(users, ALICE.uuid, found)]
    wait_until_asked(transport)
    threads += [start(users, person.uuid, found) for person in (BOB, CHLOE)]
    time.sleep(0.05)
    transport.gate.set()
    for thread in threads:
        thread.join(5)
    assert len(found) == 3
    assert all(isinstance(error, errors.Unauthorized) for error in found.values())
    with pytest.raises(errors.Unauthorized):
        users.get_username(ALICE.uuid)


class Interrupted(Counting):
    """A Ctrl-C hits whoever sends the second request."""

    def send(self, request: Request, timeout: Timeout) -> Answer:
        answer = super().send(request, timeout)
        if self.count == 2:
            raise KeyboardInterrupt
        return answer


def test_an_interrupt_ends_only_the_thread_that_it_hits(service: Caller) -> None:
    """The others, for whom it has asked, ask again."""
    transport = Interrupted(service.base_url)
    users = AstakosClient(service.base_url, transport=transport).lookups(COMPUTE_TOKEN, as_service=True)
    transport.gate.clear()
    found: dict[str, object] = {}

    def lead(uuid: str) -> str:
        try:
            return users.get_username(uuid)
        except KeyboardInterrupt:
            return "interrupted"

    threads = [start(users, UNKNOWN_UUID, found)]
    wait_until_asked(transport)
    threads.append(start(users, ALICE.uuid, found, lead))
    wait_until_joined(users, [ALICE.uuid])
    threads += [start(users, person.uuid, found) for person in (BOB, CHLOE)]
    wait_until_joined(users, [ALICE.uuid, BOB.uuid, CHLOE.uuid])
    transport.gate.set()
    for thread in threads:
        thread.join(5)
    assert isinstance(found.pop(UNKNOWN_UUID), errors.NoUserName)
    assert found == {
        ALICE.uuid: "interrupted",
        BOB.uuid: BOB.email.lower(),
        CHLOE.uuid: CHLOE.email.lower(),
    }


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_fork_while_others_are_asking_leaves_the_child_able_to_ask(
    users: Lookups, transport: Counting
) -> None:
    transport.gate.clear()
    thread = start(users, ALICE.uuid, {})
    wait_until_asked(transport)
    child = os.fork()
    if child == 0:
        transport.gate = threading.Event()
        transport.gate.set()
        os._exit(0 if users.get_username(BOB.uuid) == BOB.email.lower() else 1)
    transport.gate.set()
    thread.join(5)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_fifty_thousand_are_asked_for_in_parts(service: Caller, transport: Counting) -> None:
    client = AstakosClient(service.base_url, transport=transport)
    uuids = [f"{number:08}-dead-4000-8000-000000000000" for number in range(50_000)]
    found = client.get_usernames(ALICE.token, [*uuids, ALICE.uuid])
    assert found == {ALICE.uuid: ALICE.email}
    assert 2 < transport.count < 50
