"""The list of metrics says what a real service tells: of each its type, its meaning and its labels."""

from pathlib import Path

import pytest

from astakos.events.event import OPERATOR, Event
from astakos.metrics.definitions import ALL, Definition, Kind, Presence
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables.destinations import Destination, add, count_attempt
from astakos.storage.tables.events import record
from service.command import serving
from service.metrics.scraping import families, labels_by_name
from service.world import ALICE, COMPUTE_TOKEN, member_key

U = member_key(ALICE)


def expected(database: Database) -> dict[str, Definition]:
    """The metrics that a service on a database has, by the names under which they are told."""
    is_sqlite = isinstance(database, SQLiteDatabase)
    return {one.told_name: one for one in ALL if one.presence is not Presence.ON_SQLITE or is_sqlite}


@pytest.mark.ledger
def test_a_service_tells_what_is_on_the_list(database: Database) -> None:
    with database.transaction() as connection:
        number = record(connection, Event("project.suspended", OPERATOR), 0)
        add(connection, Destination("wh_1", "https://example.org/", (), 1, None, 0, number))
        count_attempt(connection, "wh_1", failed=True)
    with serving(database, "--metrics-port", "0", "--webhook-key", str(Path(__file__))) as served:
        served.caller.issued(COMPUTE_TOKEN, (U, 1))
        told = {name: (kind, meaning) for name, kind, meaning in families(served)}
        labels = labels_by_name(served)
    found = expected(database)
    # Info metrics are gauges in the text format.
    kinds = {name: Kind.GAUGE if one.kind is Kind.INFO else one.kind for name, one in found.items()}
    assert {name: kind for name, (kind, _) in told.items()} == kinds
    ours = {name: one for name, one in found.items() if name.startswith("astakos")}
    assert {name: told[name][1] for name in ours} == {name: one.meaning for name, one in ours.items()}
    for name, one in ours.items():
        assert labels.get(name, {frozenset(one.labels)}) == {frozenset(one.labels)}, name


def test_no_two_metrics_have_one_name() -> None:
    names = [one.told_name for one in ALL]
    assert len(set(names)) == len(names)
