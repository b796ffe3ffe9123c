from functools import partial

import pytest

from astakos.administration.webhooks import add_webhook
from astakos.events.event import OPERATOR, Event
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import deliveries, events
from astakos.storage.tables.deliveries import DeliveryState
from service.command import astakos, refused
from service.world import BOB, LAB

pytestmark = pytest.mark.every_engine

KEY = b"k" * 32
URL = "https://hooks.example.org/"


@pytest.fixture
def hook(database: Database) -> str:
    """A webhook with a delivery that is pending (1), and two that are dead (2, 3)."""
    name = database.change(partial(add_webhook, actor=OPERATOR, url=URL, kinds=(), key=KEY, now=0)).name

    def fill(connection: Connection) -> None:
        event = Event("project.suspended", OPERATOR, LAB, None, "unpaid")
        numbers = [events.record(connection, event, 5) for _ in range(3)]
        deliveries.plan(connection, name, [(number, "") for number in numbers], 5)
        for _ in range(2):
            claimed = deliveries.claim(connection, name, 5, 6)
            assert claimed is not None
            deliveries.settle(connection, claimed, DeliveryState.DEAD, 5, 5, "answered 500")

    database.change(fill)
    return name


def test_deliveries_are_listed(database: Database, hook: str) -> None:
    found = astakos(database, "delivery", "list", "--json").document
    assert [(one["destination"], one["state"], one["error"]) for one in found] == [
        (hook, "pending", None),
        (hook, "dead", "answered 500"),
        (hook, "dead", "answered 500"),
    ]
    dead = astakos(database, "delivery", "list", "--json", "--state", "dead", "--destination", hook).document
    assert [one["id"] for one in dead] == [one["id"] for one in found[1:]]
    assert "project.suspended" in astakos(database, "delivery", "list", "--limit", "1").output


def test_one_is_shown_with_its_event(database: Database, hook: str) -> None:
    identifier = astakos(database, "delivery", "list", "--json").document[-1]["id"]
    found = astakos(database, "delivery", "show", str(identifier), "--json").document
    assert (found["destination"], found["state"], found["event"]["reason"]) == (hook, "dead", "unpaid")
    assert "answered 500" in astakos(database, "delivery", "show", str(identifier)).output


def test_dead_deliveries_are_repeated(database: Database, hook: str) -> None:
    first, *_ = (one["id"] for one in astakos(database, "delivery", "list", "--json").document[::-1])
    assert astakos(database, "delivery", "retry", str(first)).output == "1 delivery will be tried again.\n"
    assert "only dead ones" in refused(database, "delivery", "retry", str(first))
    all_dead = ("delivery", "retry", "--dead", "--destination", hook)
    assert astakos(database, *all_dead).output == "1 delivery will be tried again.\n"
    assert astakos(database, *all_dead).output == "0 deliveries will be tried again.\n"
    assert {one["state"] for one in astakos(database, "delivery", "list", "--json").document} == {"pending"}
    kinds = [one["kind"] for one in astakos(database, "audit", "--kind", "delivery", "--json").document]
    assert kinds == ["delivery.retried"] * 2


def test_what_is_not_there_is_named(database: Database, hook: str) -> None:
    assert refused(database, "delivery", "show", "99") == "there is no delivery 99"
    assert refused(database, "delivery", "retry", "99") == "there is no delivery 99"
    line = refused(database, "delivery", "list", "--destination", BOB.email)
    assert line == f"there is no destination {BOB.email!r}; there are: {hook}"
    assert astakos(database, "delivery", "retry").status == 2
    assert astakos(database, "delivery", "retry", "1", "--dead").status == 2
