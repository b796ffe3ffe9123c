"""A whole service: what its limits tell, and what one that died has left to tell."""

import contextlib
import time

import pytest

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.ledger.batch import perform
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.operations import Issue, Issued
from astakos.ledger.periods import Unit
from astakos.ledger.rules import Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.caller import ACCOUNT
from service.command import serving
from service.installation import rows, set_limits
from service.metrics.scraping import scrape
from service.world import ALICE, COMPUTE_TOKEN, LOADED, VM, member_key, project_key

pytestmark = pytest.mark.ledger

YEARLY = f"{VM}/year"
U, P = member_key(ALICE), project_key()
PATIENCE = 30


@pytest.fixture
def database(database: Database) -> Database:
    """The world, in which Alice may have 5 machines a year in the laboratory."""
    meter = MeterDefinition(unit=Unit.YEAR)
    load(
        database,
        StateDocument(resources=[ResourceEntry(name=YEARLY, service="compute_api", meter=meter)]),
        LOADED,
    )
    with database.transaction() as connection:
        set_limits(connection, [(U._replace(resource=YEARLY), 5)])
    return database


def test_the_next_service_tells_what_one_that_died_has_charged(database: Database) -> None:
    with contextlib.closing(ledger_storage(database)) as store:
        issue = Issue(1, (Provision(U, 4), Provision(P, 4)), auto_accept=True)
        assert isinstance(perform(store, [issue], clock.now())[0], Issued)
    counting = "SELECT count(*) FROM events WHERE kind = 'quota.reached'"
    for _ in range(2):
        with serving(database):
            until = time.monotonic() + PATIENCE
            while rows(database, counting) == [(0,)] and time.monotonic() < until:
                time.sleep(0.05)
    assert rows(database, counting) == [(1,)]
    assert rows(database, "SELECT count(*) FROM quota_alerts WHERE event IS NULL") == [(0,)]


def test_any_process_tells_what_the_engine_has_refused_and_let_through(database: Database) -> None:
    with serving(database, "--workers", "2", "--metrics-port", "0") as served:
        caller = served.caller
        assert caller.issue(COMPUTE_TOKEN, (U, 6), (P, 6)).status == 413
        # Each call is a connection of its own, which either process accepts.
        for _ in range(8):
            (refused,) = caller.get(f"{ACCOUNT}/quotas/refusals", ALICE.token).document
            assert (refused["resource"], refused["requested"], refused["available"]) == (YEARLY, 6, 5)
        entry = ResourceEntry(
            name=YEARLY, service="compute_api", shadow=True, meter=MeterDefinition(unit=Unit.YEAR)
        )
        load(database, StateDocument(resources=[entry]), LOADED)
        issued = caller.issue(COMPUTE_TOKEN, (U, 6), (P, 6))
        assert issued.status == 201
        assert [one["limit"] for one in issued.document["would_refuse"]] == [5]
        assert scrape(served)("astakos_shadow_refusals_total", resource=YEARLY) == 1
