"""The example that the documentation of the quota rule works through, call by call, over HTTP."""

import pytest

from astakos.ledger.rules import Holding, Key
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, Caller, Reply
from service.installation import set_limits
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, VM, member_key, project_key

pytestmark = pytest.mark.ledger

U, V, P = member_key(ALICE), member_key(BOB), project_key()


def test_the_worked_example(database: Database, service: Caller) -> None:
    def issue(*charges: tuple[Key, int], **options: bool) -> Reply:
        return service.issue(COMPUTE_TOKEN, *charges, **options)

    def issued(*charges: tuple[Key, int], **options: bool) -> int:
        return service.issued(COMPUTE_TOKEN, *charges, **options)

    def act(serial: int, verb: str) -> int:
        return service.act(COMPUTE_TOKEN, serial, verb)

    def stand(user: str, other: str, project: str) -> None:
        """Compares all three holdings, written `limit/usage_min/usage_max`."""
        found = service.holdings(COMPUTE_TOKEN)
        for key, expected in ((U, user), (V, other), (P, project)):
            assert found[key] == Holding(*map(int, expected.split("/")))

    # 0, 1
    stand("10/0/0", "10/0/0", "12/0/0")
    a = issued((U, 6), (P, 6))
    stand("10/0/6", "10/0/0", "12/0/6")
    # 2
    assert refusal(issue((V, 7), (P, 7))) == ("NoCapacityError", P, 7, 6, 12)
    stand("10/0/6", "10/0/0", "12/0/6")
    # 3
    assert act(a, "accept") == 200
    stand("10/6/6", "10/0/0", "12/6/6")
    # 4
    b = issued((V, 6), (P, 6))
    stand("10/6/6", "10/0/6", "12/6/12")
    # 5
    c = issued((U, -2), (P, -2))
    stand("10/4/6", "10/0/6", "12/4/12")
    assert service.get(f"{ACCOUNT}/quotas", ALICE.token).document[LAB][VM] == {
        "limit": 10,
        "usage": 6,
        "pending": 2,
        "project_limit": 12,
        "project_usage": 12,
        "project_pending": 8,
    }
    # 6
    assert refusal(issue((U, 1), (P, 1))) == ("NoCapacityError", P, 1, 12, 12)
    stand("10/4/6", "10/0/6", "12/4/12")
    # 7
    assert act(b, "reject") == 200
    stand("10/4/6", "10/0/0", "12/4/6")
    # 8
    assert act(c, "accept") == 200
    stand("10/4/4", "10/0/0", "12/4/4")
    # 9
    d = issued((U, 20), (P, 20), force=True, auto_accept=True)
    stand("10/24/24", "10/0/0", "12/24/24")
    assert service.pending(COMPUTE_TOKEN) == []
    assert act(d, "accept") == 404
    # 10
    assert refusal(issue((U, 0))) == ("NoCapacityError", U, 0, 24, 10)
    stand("10/24/24", "10/0/0", "12/24/24")
    # 11
    assert refusal(issue((U, -25), force=True)) == ("NoQuantityError", U, -25, 24, 0)
    stand("10/24/24", "10/0/0", "12/24/24")
    # 12
    issued((U, -10), (P, -10), auto_accept=True)
    stand("10/14/14", "10/0/0", "12/14/14")
    # 13
    with database.transaction() as connection:
        set_limits(connection, [(U, 3)])
    stand("3/14/14", "10/0/0", "12/14/14")
    # 14
    f = issued((U, -2), (U, -3), (P, -5))
    info = service.get(f"{COMMISSIONS}/{f}", COMPUTE_TOKEN).document
    assert info["provisions"] == [{**U._asdict(), "quantity": -5}, {**P._asdict(), "quantity": -5}]
    stand("3/9/14", "10/0/0", "12/9/14")
    # 15
    unknown = f + 99
    resolved = service.post(
        f"{COMMISSIONS}/action", COMPUTE_TOKEN, {"accept": [f, unknown], "reject": [f]}
    ).document
    assert (resolved["accepted"], resolved["rejected"]) == ([], [])
    (first, not_found), (second, conflict) = resolved["failed"]
    assert (first, not_found["itemNotFound"]["code"]) == (unknown, 404)
    assert (second, conflict["badRequest"]["code"]) == (f, 400)
    stand("3/9/14", "10/0/0", "12/9/14")
    # 16
    assert act(f, "reject") == 200
    stand("3/14/14", "10/0/0", "12/14/14")
    # 17
    assert act(f, "accept") == 404
    stand("3/14/14", "10/0/0", "12/14/14")


def refusal(reply: Reply) -> tuple[str, Key, int, int, int]:
    assert (reply.status, reply.fault) == (413, "overLimit")
    data = reply.document["overLimit"]["data"]
    provision = dict(data["provision"])
    quantity = provision.pop("quantity")
    return data["name"], Key(**provision), quantity, data["usage"], data["limit"]
