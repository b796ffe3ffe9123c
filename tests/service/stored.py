"""All commissions of a database as its tables have them, read without the code that wrote them."""

import json
from typing import NamedTuple, Protocol

from astakos.ledger.rules import Holding, Key

STATEMENT = """
SELECT component_id, serial, name, issue_time, NULL, NULL, provisions FROM pending_commissions
UNION ALL
SELECT component_id, serial, name, issue_time, resolve_time, verdict, provisions FROM resolved_commissions
ORDER BY serial
"""


class Rows(Protocol):
    def fetchall(self) -> list[tuple[object, ...]]: ...


class Readable(Protocol):
    def execute(self, statement: str, /) -> Rows: ...


class StoredProvision(NamedTuple):
    """While it is pending, `settled` and `after` are None."""

    key: Key
    quantity: int
    settled: int | None
    after: Holding | None


class StoredCount(NamedTuple):
    """What a pending commission counts elsewhere; `at_issue` is set if a rate has counted it already."""

    key: Key
    base: Key
    quantity: int
    at_issue: int | None
    first: int = 0


class StoredCommission(NamedTuple):
    """Once it is resolved, `provisions` are those of the meters, too."""

    component: int
    serial: int
    name: str
    issue_time: int
    resolve_time: int | None
    verdict: str | None
    provisions: list[StoredProvision]
    counts: list[StoredCount]


def stored_commissions(connection: Readable) -> dict[int, StoredCommission]:
    """Pending and resolved, by serial; none stands in both tables."""
    keys: dict[int, Key] = {}
    for identifier, holder, source, resource in connection.execute(
        "SELECT id, holder, source, resource FROM holdings"
    ).fetchall():
        keys[identifier] = Key(holder, source or None, resource)  # type: ignore[index, arg-type]
    found: dict[int, StoredCommission] = {}
    for component, serial, name, issue_time, resolve_time, verdict, document in connection.execute(
        STATEMENT
    ).fetchall():
        assert serial not in found
        stored = json.loads(str(document))
        listed, counted = (stored, ()) if isinstance(stored, list) else _parts(stored)
        provisions = [_provision(keys[figures[0]], figures[1:]) for figures in listed]
        assert all((one.after is None) == (verdict is None) for one in provisions), "resolved as a whole"
        counts = [StoredCount(keys[meter], keys[base], *figures) for meter, base, *figures in counted]
        row = (component, serial, name, issue_time, resolve_time, verdict, provisions, counts)
        found[serial] = StoredCommission(*row)  # type: ignore[index, arg-type]
    return found


def _parts(stored: dict[str, list[list[int]]]) -> tuple[list[list[int]], list[list[int]]]:
    return stored["provisions"], stored.get("counts", [])


def _provision(key: Key, figures: list[int]) -> StoredProvision:
    if len(figures) == 1:
        return StoredProvision(key, figures[0], None, None)
    quantity, settled, *after = figures
    return StoredProvision(key, quantity, settled, Holding(*after))


def stored_sums(connection: Readable) -> dict[Key, int]:
    """What the holdings say that was settled on them, if it is anything."""
    return {
        Key(holder, source or None, resource): settled  # type: ignore[arg-type, misc]
        for holder, source, resource, settled in connection.execute(
            "SELECT holder, source, resource, settled FROM holdings WHERE settled <> 0"
        ).fetchall()
    }


def settled_sums(connection: Readable) -> dict[Key, int]:
    """What all commissions together have settled on each holding, if it is anything."""
    sums: dict[Key, int] = {}
    for commission in stored_commissions(connection).values():
        for provision in commission.provisions:
            sums[provision.key] = sums.get(provision.key, 0) + (provision.settled or 0)
    return {key: settled for key, settled in sums.items() if settled}
