import msgspec
import pytest

from astakos.administration.dump import dump
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument, StateError
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.periods import Unit
from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Database
from service.installation import all_rows, holdings
from service.world import ALICE, LAB, LOADED, RAM, SPACE, VM, member_key, project_key

pytestmark = pytest.mark.every_engine

DAILY = ResourceEntry(
    name=f"{VM}/day", service="compute_api", system_default=5, meter=MeterDefinition(unit=Unit.DAY)
)


def loaded(database: Database, *entries: ResourceEntry) -> None:
    load(database, StateDocument(resources=[*entries]), LOADED)


def definitions(database: Database) -> dict[str, MeterDefinition]:
    return {entry.name: entry.meter for entry in dump(database).resources if entry.meter is not None}


def test_a_meter_is_a_resource_with_holdings_and_a_definition(database: Database) -> None:
    loaded(database, DAILY)
    found = holdings(database)
    assert found[member_key(ALICE, ALICE.uuid, DAILY.name)].limit == 5
    # Unlike other resources, a meter limits nothing in projects that do not say so.
    assert found[member_key(ALICE, LAB, DAILY.name)].limit == UNLIMITED
    assert found[project_key(LAB, DAILY.name)].limit == UNLIMITED
    assert definitions(database) == {DAILY.name: DAILY.meter}


def test_what_is_dumped_can_be_loaded(database: Database, empty: Database) -> None:
    anchored = MeterDefinition(unit=Unit.DAY, every=30, zone="Europe/Athens", anchor="2026-01-31T09:00")
    rate = MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE)
    loaded(
        database,
        DAILY,
        ResourceEntry(name=f"{VM}/period", service="compute_api", meter=anchored),
        ResourceEntry(name=f"{VM}/minute", service="compute_api", meter=rate),
    )
    load(empty, dump(database), LOADED)
    assert definitions(empty) == definitions(database)
    before = all_rows(empty)
    load(empty, dump(database), LOADED)
    assert all_rows(empty) == before


def test_the_definition_of_a_meter_can_change(database: Database) -> None:
    loaded(database, DAILY)
    weekly = MeterDefinition(unit=Unit.WEEK)
    loaded(database, msgspec.structs.replace(DAILY, meter=weekly))
    assert definitions(database) == {DAILY.name: weekly}


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "machines"}, "consists of the resource that it counts"),
        ({"name": "machines/day"}, "there is no resource 'machines' to count"),
        ({"name": f"{SPACE}/day"}, f"{SPACE}, which this meter counts, is offered by storage_api"),
        ({"name": f"{VM}/day/day"}, f"{VM}/day is a meter itself"),
        ({"name": f"{VM}/"}, "it must not be empty"),
        ({"name": f"{VM}/a b"}, "not a valid name"),
        ({"meter": None}, f"{VM}/day is a meter, and stays one"),
        ({"name": f"{VM}/week", "meter": None}, "not a valid name"),
        ({"name": RAM}, "consists of the resource that it counts"),
        ({"meter": MeterDefinition(unit=Unit.DAY, zone="Mars")}, "no time zone 'Mars'"),
    ],
)
def test_what_cannot_be_a_meter_is_refused(
    database: Database, changes: dict[str, object], reason: str
) -> None:
    loaded(database, DAILY)
    before = all_rows(database)
    with pytest.raises(StateError, match=reason):
        loaded(database, msgspec.structs.replace(DAILY, **changes))
    assert all_rows(database) == before
