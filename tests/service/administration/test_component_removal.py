"""A component that is removed is deleted only when no commission can be its own any more."""

import contextlib

import pytest

from astakos.administration.component_removal import delete_component, remove_component
from astakos.administration.load import load
from astakos.administration.operator_resolutions import plan
from astakos.administration.state_document import ComponentEntry, StateDocument
from astakos.events.event import OPERATOR
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued, Operation, Outcome, Resolve, Verdict
from astakos.ledger.rules import Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.installation import rows
from service.world import ALICE, LOADED, member_key

pytestmark = pytest.mark.every_engine

NAME = "gateway"


@pytest.fixture
def gateway(database: Database) -> int:
    """The number of a component that has nothing but a token, and may charge all resources."""
    entry = ComponentEntry(name=NAME, token="token-of-the-gateway-ggggggggggggggggggggggg", may_charge="all")
    load(database, StateDocument(components=[entry]), LOADED)
    ((number,),) = rows(database, "SELECT id FROM components WHERE name = ?", NAME)
    assert isinstance(number, int)
    return number


def carried_out(database: Database, operation: Operation) -> Outcome:
    with contextlib.closing(ledger_storage(database)) as store:
        (outcome,) = perform(store, [operation], LOADED)
    return outcome


def removed(database: Database) -> bool:
    done = database.change(lambda connection: remove_component(connection, OPERATOR, NAME, "", LOADED))
    return done.is_deleted


def deleted(database: Database) -> bool:
    return database.change(lambda connection: delete_component(connection, NAME))


def listed(database: Database) -> list[tuple[object, ...]]:
    return rows(database, "SELECT name FROM components WHERE name = 'gateway'")


def test_what_its_token_still_let_in_can_be_resolved_by_operators(database: Database, gateway: int) -> None:
    assert removed(database)
    # Services may accept the token for a second after it has ended.
    outcome = carried_out(database, Issue(gateway, (Provision(member_key(ALICE), 1),)))
    assert isinstance(outcome, Issued)
    assert not deleted(database)
    assert listed(database) == [(NAME,)]
    (planned,) = plan(database.reader(), [outcome.serial], Verdict.REJECT)
    assert planned.component == NAME
    carried_out(database, Resolve(gateway, reject=frozenset([outcome.serial])))
    assert not deleted(database), "the history refers to it"


def test_without_commissions_it_is_deleted(database: Database, gateway: int) -> None:
    assert not deleted(database), "it was not removed"
    assert removed(database)
    assert listed(database) == [(NAME,)]
    assert deleted(database)
    assert listed(database) == []
    assert deleted(database), "it is gone already"
    assert gateway


def test_what_was_registered_again_meanwhile_stays(database: Database, gateway: int) -> None:
    assert removed(database)
    entry = ComponentEntry(name=NAME, token="another-token-of-the-gateway-gggggggggggggg")
    load(database, StateDocument(components=[entry]), LOADED)
    assert not deleted(database)
    assert listed(database) == [(NAME,)]
    assert gateway
