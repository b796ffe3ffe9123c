"""Many callers at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from astakos.ledger.rules import Holding
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, Caller
from service.installation import set_limits
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, STORAGE_TOKEN, VM, member_key, project_key

pytestmark = pytest.mark.ledger

U, V, P = member_key(ALICE), member_key(BOB), project_key()
THREADS = 16


def test_a_holder_whom_many_charge_at_once_never_exceeds_the_limit(
    database: Database, service: Caller
) -> None:
    limit = 100
    with database.transaction() as connection:
        set_limits(connection, [(U, limit), (P, 10 * limit)])
    together = Barrier(THREADS)

    def charge(thread: int) -> list[int]:
        together.wait()
        statuses = []
        for number in range(20):
            quantity = 1 + (thread + number) % 3
            reply = service.issue(COMPUTE_TOKEN, (U, quantity), (P, quantity), auto_accept=number % 2 == 0)
            statuses.append(reply.status)
            if reply.status == 413:
                data = reply.document["overLimit"]["data"]
                assert data["usage"] + quantity > data["limit"] == limit
            figures = service.get(f"{ACCOUNT}/quotas", ALICE.token).document[LAB][VM]
            assert 0 <= figures["pending"] <= figures["usage"] <= limit
            assert figures["usage"] == figures["project_usage"]
        return statuses

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = Counter(status for found in pool.map(charge, range(THREADS)) for status in found)
    assert set(statuses) == {201, 413}
    found = service.holdings(COMPUTE_TOKEN)
    assert found[U].usage_max == found[P].usage_max
    assert limit - 2 <= found[U].usage_max <= limit


def test_serials_are_never_given_twice_and_each_is_resolved_once(service: Caller) -> None:
    def work(thread: int) -> list[int]:
        token = (COMPUTE_TOKEN, STORAGE_TOKEN)[thread % 2]
        return [service.issued(token, (V, 0), (P, 0)) for _ in range(10)]

    with ThreadPoolExecutor(THREADS) as pool:
        issued = list(pool.map(work, range(THREADS)))
    serials = [serial for found in issued for serial in found]
    assert len(set(serials)) == len(serials) == 10 * THREADS
    assert all(found == sorted(found) for found in issued)
    assert sorted(service.pending(COMPUTE_TOKEN) + service.pending(STORAGE_TOKEN)) == sorted(serials)
    mine = service.pending(COMPUTE_TOKEN)[:20]

    def resolve(thread: int) -> list[int]:
        verb = ("accept", "reject")[thread % 2]
        reply = service.post(f"{COMMISSIONS}/action", COMPUTE_TOKEN, {verb: mine})
        done: list[int] = reply.document["accepted"] + reply.document["rejected"]
        return done

    with ThreadPoolExecutor(THREADS) as pool:
        resolved = [serial for done in pool.map(resolve, range(THREADS)) for serial in done]
    assert sorted(resolved) == mine


def test_issues_and_resolutions_at_once_leave_nothing_over(service: Caller) -> None:
    def work(thread: int) -> None:
        member = (U, V)[thread % 2]
        for number in range(10):
            reply = service.issue(COMPUTE_TOKEN, (member, 2), (P, 2))
            if reply.status == 201:
                verb = "accept" if number % 2 else "reject"
                assert service.act(COMPUTE_TOKEN, reply.document["serial"], verb) == 200
                if verb == "accept":
                    service.issued(COMPUTE_TOKEN, (member, -2), (P, -2), auto_accept=True)

    with ThreadPoolExecutor(THREADS) as pool:
        for done in pool.map(work, range(THREADS)):
            assert done is None
    found = service.holdings(COMPUTE_TOKEN)
    assert [found[key] for key in (U, V, P)] == [Holding(10), Holding(10), Holding(12)]
    assert service.pending(COMPUTE_TOKEN) == []
