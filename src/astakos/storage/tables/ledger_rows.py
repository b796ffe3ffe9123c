"""What a batch of the ledger writes, as rows for the tables; how they get there is the dialect's affair."""

from collections.abc import Mapping
from typing import NamedTuple

from astakos.ledger.operations import Changes, Resolution
from astakos.ledger.rules import Key
from astakos.storage.tables.provisions import write_pending, write_settled


class Rows(NamedTuple):
    """Columns stand in the order of the tables; each list may be empty.

    Attributes:
        pending: of `pending_commissions`.
        resolved: of `resolved_commissions`, for what was accepted in the step that issued it.
        moved: component, serial, verdict and provisions of what leaves `pending_commissions` for the log.
        holders: of `commission_holders`.
        remembered: of `idempotency_keys`.
        usage: id, usage_min and usage_max of the holdings that have changed.
    """

    pending: list[tuple[int, int, str, int, int | None, str]]
    resolved: list[tuple[int, int, str, int, int, str, str]]
    moved: list[tuple[int, int, str, str]]
    holders: list[tuple[str, int, int]]
    remembered: list[tuple[int, str, bytes, int, int]]
    usage: list[tuple[int, int, int]]


def rows_of(now: int, changes: Changes, identifiers: Mapping[Key, int]) -> Rows:
    """The rows for what a batch has changed; `identifiers` has the ids of all holdings concerned."""
    rows = Rows([], [], [], [], [], [])
    resolved = {resolution.serial: resolution for resolution in changes.resolved}
    for serial, issue in changes.issued:
        resolution = resolved.pop(serial, None)
        if resolution is None:
            expires = None if issue.time_to_live is None else now + issue.time_to_live
            provisions = write_pending(issue.provisions, identifiers)
            rows.pending.append((issue.component, serial, issue.name, now, expires, provisions))
        else:
            provisions = write_settled(resolution.settlements, identifiers)
            rows.resolved.append(
                (issue.component, serial, issue.name, now, now, resolution.verdict, provisions)
            )
        if issue.idempotency is not None:
            rows.remembered.append((issue.component, *issue.idempotency, serial, now))
    rows.moved.extend(
        [
            (one.component, one.serial, one.verdict, write_settled(one.settlements, identifiers))
            for one in resolved.values()
        ]
    )
    for resolution in changes.resolved:
        rows.holders.extend(
            [(holder, resolution.serial, resolution.component) for holder in _drawing_holders(resolution)]
        )
    rows.usage.extend([(identifiers[key], h.usage_min, h.usage_max) for key, h in changes.holdings.items()])
    return rows


def _drawing_holders(resolution: Resolution) -> set[str]:
    """Whose history a commission is part of by `commission_holders`."""
    return {key.holder for key, *_ in resolution.settlements if key.source is not None}
