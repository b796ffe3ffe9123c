"""A ledger on a database with some limits, which tests charge one operation after another."""

from collections.abc import Mapping

from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued, Operation, Outcome
from astakos.ledger.rules import Key, Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.installation import holdings, set_limits
from service.world import LOADED

COMPUTE = 1


class Charged:
    """Its issues are those of one component."""

    def __init__(self, database: Database, limits: Mapping[Key, int]) -> None:
        self.database = database
        self.limit(limits)
        self.store = ledger_storage(database)
        self.now = LOADED

    def limit(self, limits: Mapping[Key, int]) -> None:
        with self.database.transaction() as connection:
            set_limits(connection, limits.items())

    def do(self, *operations: Operation) -> list[Outcome]:
        return perform(self.store, operations, self.now)

    def one(self, operation: Operation) -> Outcome:
        (outcome,) = self.do(operation)
        return outcome

    def issue(self, *provisions: tuple[Key, int], ttl: int | None = None, key: str | None = None) -> int:
        outcome = self.one(Issue(COMPUTE, asked(*provisions), time_to_live=ttl, key_holder=key))
        assert isinstance(outcome, Issued), outcome
        return outcome.serial

    def charge(self, *provisions: tuple[Key, int], key: str | None = None) -> Outcome:
        return self.one(Issue(COMPUTE, asked(*provisions), auto_accept=True, key_holder=key))

    def figures(self, *keys: Key) -> list[tuple[int, int]]:
        found = holdings(self.database)
        return [(found[key].usage_min, found[key].usage_max) for key in keys]


def asked(*provisions: tuple[Key, int]) -> tuple[Provision, ...]:
    return tuple(Provision(*one) for one in provisions)
