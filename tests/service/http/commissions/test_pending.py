import re
from typing import Any

import pytest

from astakos.ledger.rules import Holding, Key
from service.caller import COMMISSIONS, Caller, Reply
from service.world import (
    ALICE,
    BOB,
    CLOSED,
    COMPUTE_TOKEN,
    HALTED,
    LAB,
    RAM,
    STORAGE_TOKEN,
    UNKNOWN_UUID,
    VM,
    member_key,
    project_key,
)

pytestmark = pytest.mark.ledger

U, V, P = member_key(ALICE), member_key(BOB), project_key()
PROVISION = {**U._asdict(), "quantity": 1}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00")

NO_OBJECT = "Expected `object`"
NO_INTEGERS: tuple[Any, ...] = ("1", "", 1.0, 1.5, 1e300, None, [], {})
NO_BOOLEANS: tuple[Any, ...] = (None, 0, 1, "true", [], {})
NO_TEXTS: tuple[Any, ...] = (None, 1, True, [], {})
NO_SCALARS: tuple[Any, ...] = ([], {}, ["x"], {"x": 1})
MALFORMED: dict[str, tuple[Any, str]] = {
    "a list": ([], NO_OBJECT),
    "a text": ("provisions", NO_OBJECT),
    "a number": (1, NO_OBJECT),
    "null": (None, NO_OBJECT),
    "no provisions": ({}, "`provisions`"),
    "provisions null": ({"provisions": None}, "$.provisions"),
    "provisions an object": ({"provisions": {}}, "$.provisions"),
    "provisions a text": ({"provisions": "x"}, "$.provisions"),
    "provisions a number": ({"provisions": 1}, "$.provisions"),
    "an entry that is a list": ({"provisions": [[]]}, "$.provisions[0]"),
    "an entry that is null": ({"provisions": [PROVISION, None]}, "$.provisions[1]"),
    **{
        f"an entry without {name}": (
            {"provisions": [{key: value for key, value in PROVISION.items() if key != name}]},
            f"`{name}`",
        )
        for name in PROVISION
    },
    **{
        f"quantity {quantity!r}": (
            {"provisions": [PROVISION, PROVISION | {"quantity": quantity}]},
            "$.provisions[1].quantity",
        )
        for quantity in NO_INTEGERS
    },
    **{
        f"{name} {value!r}": ({"provisions": [], name: value}, f"$.{name}")
        for name in ("force", "auto_accept")
        for value in NO_BOOLEANS
    },
    **{f"name {value!r}": ({"provisions": [], "name": value}, "$.name") for value in NO_TEXTS},
    "a name too long": ({"provisions": [], "name": "n" * 4097}, "name"),
    **{
        f"{name} {value!r}": ({"provisions": [PROVISION | {name: value}]}, f"$.provisions[0].{name}")
        for name in ("holder", "source", "resource")
        for value in NO_SCALARS
    },
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_body_that_is_no_commission_is_refused_by_place_and_reason(
    standing_service: Caller, case: str
) -> None:
    document, place = MALFORMED[case]
    before = standing_service.holdings(COMPUTE_TOKEN)
    reply = standing_service.post(COMMISSIONS, COMPUTE_TOKEN, document)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert set(reply.document["badRequest"]) >= {"code", "message"}
    assert reply.document["badRequest"]["code"] == 400
    assert place in reply.message
    assert standing_service.holdings(COMPUTE_TOKEN) == before
    assert standing_service.pending(COMPUTE_TOKEN) == []


def test_unknown_keys_are_ignored_and_flags_default_to_no(service: Caller) -> None:
    document = {"provisions": [PROVISION | {"color": "red"}], "more": {"deep": [1, 2]}}
    reply = service.post(COMMISSIONS, COMPUTE_TOKEN, document)
    assert (reply.status, list(reply.document)) == (201, ["serial"])
    serial = reply.document["serial"]
    assert service.pending(COMPUTE_TOKEN) == [serial]
    found = service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN).document
    assert TIME.fullmatch(found.pop("issue_time"))
    assert found == {"serial": serial, "name": "", "provisions": [PROVISION]}


def test_true_and_false_are_quantities_of_one_and_none(service: Caller) -> None:
    document = {"provisions": [PROVISION | {"quantity": True}, {**V._asdict(), "quantity": False}]}
    serial = service.post(COMMISSIONS, COMPUTE_TOKEN, document).document["serial"]
    found = service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN)
    assert [provision["quantity"] for provision in found.document["provisions"]] == [1, 0]
    assert b"true" not in found.content


def test_an_empty_commission_is_one(service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN)
    assert service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN).document["provisions"] == []
    assert service.act(COMPUTE_TOKEN, serial, "accept") == 200
    assert service.pending(COMPUTE_TOKEN) == []


@pytest.mark.parametrize("name", ["boot vm 7", "Größe ✓ 😀", "a\nb\t\"'\\", "n" * 4096])
def test_a_name_is_kept_as_it_is(service: Caller, name: str) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 1), name=name)
    found = service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN)
    assert found.document["name"] == name
    assert found.content.isascii()


@pytest.mark.parametrize(
    ("holder", "source", "resource"),
    [
        (f"user:{UNKNOWN_UUID}", f"project:{LAB}", VM),
        (U.holder, f"project:{UNKNOWN_UUID}", VM),
        (U.holder, f"project:{BOB.uuid}", VM),
        (U.holder, U.source, "compute.unknown"),
        (U.holder, None, VM),
        (U.holder, "", VM),
        (P.holder, "", VM),
        (P.holder, P.holder, VM),
        (ALICE.uuid, U.source, VM),
        ("", "", ""),
        ("Größe", "\0", "x" * 10_000),
        (7, U.source, VM),
        (U.holder, 7, VM),
        (U.holder, U.source, 7.5),
        (None, None, None),
        (True, False, True),
        (2**63, -(2**63), 10**30),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_holding_that_does_not_exist_is_not_found(
    standing_service: Caller, holder: object, source: object, resource: object, force: bool
) -> None:
    provision = {"holder": holder, "source": source, "resource": resource, "quantity": 1}
    document = {"provisions": [provision], "force": force}
    reply = standing_service.post(COMMISSIONS, COMPUTE_TOKEN, document)
    assert (reply.status, reply.fault) == (404, "itemNotFound")
    fault = reply.document["itemNotFound"]
    assert set(fault) == {"message", "code", "data"}
    assert fault["code"] == 404
    assert fault["data"] == {"name": "NoHoldingError", "provision": provision}
    assert reply.content.isascii()


def over_limit(reply: Reply) -> dict[str, Any]:
    assert (reply.status, reply.fault) == (413, "overLimit")
    fault = reply.document["overLimit"]
    assert set(fault) == {"message", "code", "data"}
    assert fault["code"] == 413
    data: dict[str, Any] = fault["data"]
    return data


@pytest.mark.parametrize("quantity", [11, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**30, 10**4299])
def test_an_import_over_the_limit_is_refused_with_what_is_used_and_the_limit(
    standing_service: Caller, quantity: int
) -> None:
    assert over_limit(standing_service.issue(COMPUTE_TOKEN, (U, quantity))) == {
        "name": "NoCapacityError",
        "provision": {**U._asdict(), "quantity": quantity},
        "usage": 0,
        "limit": 10,
    }


@pytest.mark.parametrize("quantity", [-1, -(2**31), -(2**63), -(2**63) - 1, -(10**30), -(10**4298)])
@pytest.mark.parametrize("force", [False, True])
def test_a_release_of_more_than_is_used_is_refused_forced_or_not(
    standing_service: Caller, quantity: int, force: bool
) -> None:
    assert over_limit(standing_service.issue(COMPUTE_TOKEN, (U, quantity), force=force)) == {
        "name": "NoQuantityError",
        "provision": {**U._asdict(), "quantity": quantity},
        "usage": 0,
        "limit": 0,
    }


@pytest.mark.parametrize("quantity", [2**63, 2**64, 10**30])
def test_a_forced_import_out_of_the_range_of_a_figure_is_a_bad_request(
    standing_service: Caller, quantity: int
) -> None:
    before = standing_service.holdings(COMPUTE_TOKEN)
    reply = standing_service.issue(COMPUTE_TOKEN, (U, quantity), force=True)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert all(name in reply.message for name in ("quantity", VM, U.holder))
    assert standing_service.holdings(COMPUTE_TOKEN) == before


LARGEST = 2**63 - 1
# So many digits are read but not written: their sum has one more.
LONGEST = int("9" * 4300)


@pytest.mark.parametrize(
    "quantities",
    [
        (LARGEST, 1),
        (-LARGEST, -1),
        (LARGEST, LARGEST, -LARGEST, 1),
        (LARGEST + 1, -1),
        (1, LARGEST + 1),
        (LONGEST, LONGEST),
        (-int("9" * 4299),) * 9,
        (LONGEST, 1),
    ],
    ids=lambda quantities: " ".join(
        f"{quantity:.3g}" if abs(quantity) < 2**64 else "long" for quantity in quantities
    ),
)
@pytest.mark.parametrize("force", [False, True])
def test_quantities_of_one_holding_whose_sum_is_out_of_range_are_a_bad_request(
    standing_service: Caller, quantities: tuple[int, ...], force: bool
) -> None:
    before = standing_service.holdings(COMPUTE_TOKEN)
    reply = standing_service.issue(COMPUTE_TOKEN, *((U, quantity) for quantity in quantities), force=force)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert all(name in reply.message for name in ("quantity", VM, U.holder, str(LARGEST)))
    assert standing_service.holdings(COMPUTE_TOKEN) == before


def test_quantities_whose_sum_is_in_range_are_judged_by_it(service: Caller) -> None:
    service.issued(COMPUTE_TOKEN, (U, LARGEST), (U, LARGEST), (U, -LARGEST), (U, -LARGEST), (U, 3))
    assert service.holdings(COMPUTE_TOKEN)[U] == Holding(10, 0, 3)


def test_a_figure_can_be_as_large_as_64_bits_allow(service: Caller) -> None:
    largest = 2**63 - 1
    service.issued(COMPUTE_TOKEN, (U, largest), force=True, auto_accept=True)
    assert service.holdings(COMPUTE_TOKEN)[U] == Holding(10, largest, largest)
    assert service.issue(COMPUTE_TOKEN, (U, 1), force=True).status == 400
    service.issued(COMPUTE_TOKEN, (U, -largest), auto_accept=True)
    assert service.holdings(COMPUTE_TOKEN)[U] == Holding(10)


def test_one_refused_provision_refuses_the_commission(service: Caller) -> None:
    before = service.holdings(COMPUTE_TOKEN)
    assert service.issue(COMPUTE_TOKEN, (U, 5), (V, 5), (P, 13)).status == 413
    assert service.issue(COMPUTE_TOKEN, (U, 5), (member_key(ALICE, UNKNOWN_UUID), 1)).status == 404
    assert service.holdings(COMPUTE_TOKEN) == before
    assert service.pending(COMPUTE_TOKEN) == []


def test_of_several_culprits_one_is_named(standing_service: Caller) -> None:
    data = over_limit(standing_service.issue(COMPUTE_TOKEN, (P, 13), (V, 11), (U, 12)))
    provision = data["provision"]
    quantity = provision.pop("quantity")
    assert (Key(**provision), quantity) in {(P, 13), (V, 11), (U, 12)}


def test_provisions_of_one_holding_are_judged_by_their_sum(service: Caller) -> None:
    assert over_limit(service.issue(COMPUTE_TOKEN, (U, 6), (U, 5)))["provision"]["quantity"] == 11
    serial = service.issued(COMPUTE_TOKEN, (U, 15), (U, -5), (V, 3), (V, -3))
    provisions = service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN).document["provisions"]
    assert provisions == [{**U._asdict(), "quantity": 10}, {**V._asdict(), "quantity": 0}]
    assert service.holdings(COMPUTE_TOKEN)[U] == Holding(10, 0, 10)


def test_the_levels_are_not_tied_to_each_other(service: Caller) -> None:
    service.issued(COMPUTE_TOKEN, (U, 3))
    service.issued(COMPUTE_TOKEN, (P, 5))
    found = service.holdings(COMPUTE_TOKEN)
    assert (found[U], found[P]) == (Holding(10, 0, 3), Holding(12, 0, 5))


@pytest.mark.parametrize("project", [HALTED, CLOSED])
def test_from_a_project_that_is_not_active_nothing_can_be_drawn(
    standing_service: Caller, project: str
) -> None:
    for key in (member_key(ALICE, project), project_key(project)):
        data = over_limit(standing_service.issue(COMPUTE_TOKEN, (key, 1)))
        assert (data["usage"], data["limit"]) == (0, 0)


def test_pending_serials_ascend_and_are_the_callers_own(service: Caller) -> None:
    assert service.pending(COMPUTE_TOKEN) == []
    mine = [service.issued(COMPUTE_TOKEN, (U, 1)) for _ in range(3)]
    theirs = service.issued(STORAGE_TOKEN, (V, 1))
    assert service.pending(COMPUTE_TOKEN) == mine == sorted(mine)
    assert service.pending(STORAGE_TOKEN) == [theirs]
    assert theirs > mine[-1]


def test_pending_serials_can_be_listed_in_pages(service: Caller) -> None:
    mine = [service.issued(COMPUTE_TOKEN, (U, 0)) for _ in range(5)]
    found: list[int] = []
    query = "limit=2"
    for _ in range(3):
        page = service.get(f"{COMMISSIONS}?{query}", COMPUTE_TOKEN).document
        assert len(page) <= 2
        found += page
        query = f"limit=2&after={found[-1]}"
    assert found == mine
    assert service.get(f"{COMMISSIONS}?{query}", COMPUTE_TOKEN).document == []
    assert service.get(f"{COMMISSIONS}?after={mine[2]}", COMPUTE_TOKEN).document == mine[3:]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=", "limit"),
        ("after=-1", "after"),
        ("after=x", "after"),
        (f"after={2**63}", "after"),
    ],
)
def test_a_page_that_does_not_exist_is_a_bad_request(
    standing_service: Caller, query: str, named: str
) -> None:
    reply = standing_service.get(f"{COMMISSIONS}?{query}", COMPUTE_TOKEN)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert named in reply.message


def test_the_commission_of_another_component_does_not_exist(service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 1))
    reply = service.get(f"{COMMISSIONS}/{serial}", STORAGE_TOKEN)
    assert (reply.status, reply.content) == (404, b"")
    for verb in ("accept", "reject"):
        assert service.act(STORAGE_TOKEN, serial, verb) == 404
        (failure,) = service.post(f"{COMMISSIONS}/action", STORAGE_TOKEN, {verb: [serial]}).document["failed"]
        assert failure[0] == serial
        assert failure[1]["itemNotFound"]["code"] == 404
    assert service.pending(COMPUTE_TOKEN) == [serial]


@pytest.mark.parametrize("serial", ["0", "1", "000", "99999", str(2**63), "9" * 19, "9" * 5000])
def test_a_serial_that_is_not_pending_is_not_found_without_a_body(
    standing_service: Caller, serial: str
) -> None:
    for reply in (
        standing_service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN),
        standing_service.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, {"accept": ""}),
        standing_service.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, {"reject": ""}),
    ):
        assert (reply.status, reply.content, reply.headers["content-length"]) == (404, b"", "0")


def test_a_serial_may_be_written_with_leading_zeros(service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN)
    path = f"{COMMISSIONS}/{'0' * 30}{serial}"
    assert service.get(path, COMPUTE_TOKEN).document["serial"] == serial


@pytest.mark.parametrize("value", ["", None, 0, [], {}, "because"])
@pytest.mark.parametrize(("verb", "after"), [("accept", Holding(10, 4, 4)), ("reject", Holding(10))])
def test_one_commission_is_resolved_by_the_key_alone(
    service: Caller, verb: str, value: object, after: Holding
) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 4))
    path = f"{COMMISSIONS}/{serial}/action"
    reply = service.post(path, COMPUTE_TOKEN, {verb: value, "reason": 1})
    assert (reply.status, reply.content, reply.headers["content-length"]) == (200, b"", "0")
    assert service.holdings(COMPUTE_TOKEN)[U] == after
    assert service.post(path, COMPUTE_TOKEN, {verb: value}).status == 404
    assert service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN).status == 404


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "document",
    [{}, {"accept": "", "reject": ""}, {"Accept": ""}, {"cancel": ""}, [], ["accept"], "accept", 1, None],
)
def test_an_action_that_does_not_say_which_is_a_bad_request(service: Caller, document: object) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 4))
    reply = service.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, document)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert service.pending(COMPUTE_TOKEN) == [serial]


def test_many_are_resolved_in_one_step(service: Caller) -> None:
    one, two, three, four = (service.issued(COMPUTE_TOKEN, (U, 1)) for _ in range(4))
    foreign = service.issued(STORAGE_TOKEN, (V, 1))
    unknown = 10**6
    reply = service.post(
        f"{COMMISSIONS}/action",
        COMPUTE_TOKEN,
        {"accept": [two, one, one, three, foreign, 0, -1], "reject": [three, four, three, unknown]},
    )
    assert reply.status == 200
    document = reply.document
    assert set(document) == {"accepted", "rejected", "failed"}
    assert sorted(document["accepted"]) == [one, two]
    assert document["rejected"] == [four]
    failed = document["failed"]
    assert [(serial, *fault) for serial, fault in failed[:-1]] == [
        (serial, "itemNotFound") for serial in (-1, 0, foreign, unknown)
    ]
    assert failed[0][1]["itemNotFound"].keys() == {"code", "message"}
    assert failed[-1][0] == three
    assert failed[-1][1]["badRequest"]["code"] == 400
    assert service.pending(COMPUTE_TOKEN) == [three]
    assert service.holdings(COMPUTE_TOKEN)[U] == Holding(10, 2, 3)


@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_at_most_ten_thousand_are_resolved_at_once(standing_service: Caller, verb: str) -> None:
    serials = list(range(10**6, 10**6 + 10_001))
    reply = standing_service.post(f"{COMMISSIONS}/action", COMPUTE_TOKEN, {verb: serials})
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert f"$.{verb}" in reply.message
    reply = standing_service.post(f"{COMMISSIONS}/action", COMPUTE_TOKEN, {verb: serials[1:]})
    assert len(reply.document["failed"]) == 10_000


def test_nothing_to_resolve_is_resolved(standing_service: Caller) -> None:
    documents: tuple[Any, ...] = ({}, {"accept": []}, {"accept": [], "reject": []}, {"cancel": [1]})
    for document in documents:
        reply = standing_service.post(f"{COMMISSIONS}/action", COMPUTE_TOKEN, document)
        assert (reply.status, reply.document) == (200, {"accepted": [], "rejected": [], "failed": []})


@pytest.mark.parametrize("serial", [2**31, 2**63 - 1, 2**63, 2**64, 10**30, -(10**30)])
def test_numbers_that_are_no_serials_are_not_found(standing_service: Caller, serial: int) -> None:
    reply = standing_service.post(f"{COMMISSIONS}/action", COMPUTE_TOKEN, {"accept": [serial]})
    assert reply.status == 200
    assert reply.document["failed"][0][0] == serial


def test_true_is_the_serial_one_and_is_repeated_as_it_was_asked(service: Caller) -> None:
    assert service.issued(COMPUTE_TOKEN) == 1
    reply = service.post(f"{COMMISSIONS}/action", COMPUTE_TOKEN, {"accept": [True], "reject": [False]})
    assert reply.document["accepted"] == [True]
    assert reply.document["failed"][0][0] is False
    assert service.pending(COMPUTE_TOKEN) == []


@pytest.mark.parametrize("verb", ["accept", "reject"])
@pytest.mark.parametrize("value", [None, 1, "1", {}, True, [None], ["1"], [1.0], [[1]], [{}]])
def test_lists_of_serials_are_lists_of_integers(standing_service: Caller, verb: str, value: object) -> None:
    reply = standing_service.post(f"{COMMISSIONS}/action", COMPUTE_TOKEN, {verb: value})
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert f"$.{verb}" in reply.message


@pytest.mark.parametrize("document", [[], "x", 1, None])
def test_a_resolution_is_an_object(standing_service: Caller, document: object) -> None:
    assert standing_service.post(f"{COMMISSIONS}/action", COMPUTE_TOKEN, document).status == 400


def test_a_component_may_charge_whatever_it_names(service: Caller) -> None:
    """The ledger takes all names as they are: whose resource it is, nobody asks."""
    service.issued(STORAGE_TOKEN, (member_key(BOB, BOB.uuid, RAM), 5), auto_accept=True)
    assert service.holdings(COMPUTE_TOKEN)[member_key(BOB, BOB.uuid, RAM)].usage_max == 5
