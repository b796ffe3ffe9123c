"""A laboratory whose virtual machines are limited per day, on a database whose clock the tests set."""

import contextlib
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from astakos.administration.load import load
from astakos.administration.quota_alerts import record_alerts
from astakos.administration.state_document import CapacityEntry, ResourceEntry, StateDocument
from astakos.clock import DAY
from astakos.ledger.batch import carry_out
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.operations import Issue, Operation, Outcome
from astakos.ledger.periods import HOUR, Unit
from astakos.ledger.ports import LedgerStorage
from astakos.ledger.rules import UNLIMITED, Key, Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.installation import rows
from service.simulated_clock import SimulatedClock
from service.world import ALICE, LAB, LOADED, VM, Person, member_key, project_key, projects

COMPUTE = 1
START = LOADED - LOADED % DAY + HOUR
DAILY = f"{VM}/day"

LIST_ALERTS = """
SELECT h.holder, a.kind, a.percent, a.start, a.usage, a."limit" FROM quota_alerts a
JOIN holdings h ON h.id = a.holding_id ORDER BY a.time, h.holder, a.kind, a.percent
"""
LIST_EVENTS = """
SELECT kind, project, subject, after FROM events WHERE kind LIKE 'quota.%' ORDER BY id
"""


class Laboratory:
    """Its members may have 100 machines a day each, and all together 150, unless told otherwise."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.set_up(ResourceEntry(name=VM, service="compute_api"), UNLIMITED, UNLIMITED)
        self.set_up(ResourceEntry(name=DAILY, service="compute_api", meter=MeterDefinition(unit=Unit.DAY)))
        self.clock = SimulatedClock(database, START)

    def set_up(self, entry: ResourceEntry, member: int = 100, project: int = 150) -> None:
        """Sets the meter or the machines themselves, with limits of the laboratory."""
        (lab,) = (one for one in projects() if one.uuid == LAB)
        capacity = CapacityEntry(project_capacity=project, member_capacity=member)
        lab = msgspec.structs.replace(lab, resources={entry.name: capacity})
        load(self.database, StateDocument(resources=[entry], projects=[lab]), LOADED)

    def store(self) -> contextlib.closing[LedgerStorage]:
        return contextlib.closing(ledger_storage(self.database))

    def charge(self, quantity: int, person: Person = ALICE, **more: Any) -> Outcome:
        with self.store() as store:
            return self.charge_on(store, quantity, person, **more)

    def charge_on(self, store: LedgerStorage, quantity: int, person: Person = ALICE, **more: Any) -> Outcome:
        (outcome,) = self.do_on(store, charge(quantity, person, **more))
        return outcome

    def do_on(self, store: LedgerStorage, *operations: Operation) -> Sequence[Outcome]:
        return carry_out(store, operations, self.clock.now).outcomes

    def wait(self, time: int) -> None:
        self.clock.set(self.clock.now + time)

    def alerts(self) -> list[tuple[object, ...]]:
        return rows(self.database, LIST_ALERTS)

    def record(self) -> int:
        return record_alerts(self.database, self.clock.now)

    def events(self) -> list[tuple[Any, ...]]:
        found = rows(self.database, LIST_EVENTS)
        return [(*facts, json.loads(str(after))) for *facts, after in found]


def charge(quantity: int, person: Person = ALICE, *, project: str = LAB, **more: Any) -> Issue:
    """An accepted import, or a release."""
    keys: tuple[Key, ...] = member_key(person, project), project_key(project)
    provisions = tuple(Provision(key, quantity) for key in keys)
    return Issue(COMPUTE, provisions, **{"auto_accept": True, **more})
