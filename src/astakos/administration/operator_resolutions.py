"""Resolves commissions in place of their components, for operators, when a component is gone for good.

The ledger commits by itself, so the audit log is told right after that, component by component: what has
been resolved is in the log even if the next component's cannot be.
"""

import contextlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

from astakos.administration.journal import Journal
from astakos.administration.reasons import require_reason
from astakos.administration.state_document import StateError
from astakos.events.event import Actor
from astakos.ledger.batch import carry_out
from astakos.ledger.operations import Outcome, Resolve, Resolved, Verdict
from astakos.storage import opening
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import pending_serials, registry

KINDS = {Verdict.ACCEPT: "commission.accepted", Verdict.REJECT: "commission.rejected"}
MOST_AT_ONCE = 1000
"""How many commissions are resolved together at most."""


class Planned(NamedTuple):
    """What the ledger is to do for one component."""

    component: str
    operation: Resolve


class Resolution(NamedTuple):
    """Which commissions were resolved: serials with names of components. `missing` were not pending."""

    resolved: dict[int, str]
    missing: list[int]


def plan(connection: Connection, serials: Iterable[int], verdict: Verdict) -> list[Planned]:
    """Returns the operations that resolve pending commissions, whoever issued them.

    Raises:
        StateError: they are too many.
    """
    wanted = list(dict.fromkeys(serials))
    if len(wanted) > MOST_AT_ONCE:
        raise StateError(f"at most {MOST_AT_ONCE} commissions can be resolved at once; name fewer")
    names = {component.id: component.name for component in registry.list_components(connection)}
    planned = []
    for component, found in sorted(pending_serials.by_component(connection, wanted, names).items()):
        chosen = {"accept" if verdict is Verdict.ACCEPT else "reject": frozenset(found)}
        planned.append(Planned(names[component], Resolve(component, **chosen)))
    return planned


def resolved_by(planned: Planned, outcome: Outcome, verdict: Verdict) -> dict[int, str]:
    """Returns the serials that the ledger has resolved for a component, with its name."""
    if not isinstance(outcome, Resolved):
        return {}
    done = outcome.accepted if verdict is Verdict.ACCEPT else outcome.rejected
    return {int(serial): planned.component for serial in done}


def resolution_of(serials: Iterable[int], resolved: Mapping[int, str]) -> Resolution:
    """Returns what became of the serials that were named."""
    return Resolution(dict(resolved), [serial for serial in dict.fromkeys(serials) if serial not in resolved])


def note(
    connection: Connection,
    *,
    actor: Actor,
    verdict: Verdict,
    reason: str,
    now: int,
    resolved: Mapping[int, str],
) -> None:
    """Tells the audit log of each commission that was resolved."""
    with Journal(connection, actor, now) as journal:
        for serial, component in sorted(resolved.items()):
            after = {"commission": serial, "component": component}
            journal.note(KINDS[verdict], reason=reason, after=after)


def resolve(
    database: Database,
    actor: Actor,
    serials: Iterable[int],
    verdict: Verdict,
    now: int,
    *,
    reason: str = "",
) -> Resolution:
    """Accepts or rejects pending commissions of any components, without a service that runs.

    Within one, see `service.resolving.resolve_commissions`.

    Raises:
        StateError: they are too many; none was resolved.
        ProjectRefusedError: the reason cannot be recorded; none was resolved.
    """
    require_reason(reason)
    wanted = list(serials)
    resolved: dict[int, str] = {}
    with contextlib.closing(opening.ledger_storage(database)) as store:
        for planned in plan(database.reader(), wanted, verdict):
            # What is over by the clock is for the engines to end.
            (outcome,) = carry_out(store, [planned.operation], now, due=0).outcomes
            done = resolved_by(planned, outcome, verdict)
            if done:
                database.change(
                    partial(note, actor=actor, verdict=verdict, reason=reason, now=now, resolved=done)
                )
            resolved |= done
    return resolution_of(wanted, resolved)
