"""Resolves a commission in place of its component, for operators, when the component is gone for good."""

import contextlib
from functools import partial

from astakos.administration.state_document import StateError
from astakos.events.event import Actor, Event
from astakos.ledger.batch import carry_out
from astakos.ledger.operations import Resolve, Resolved, Verdict
from astakos.storage import opening
from astakos.storage.protocol import Database
from astakos.storage.tables import events, registry

KINDS = {Verdict.ACCEPT: "commission.accepted", Verdict.REJECT: "commission.rejected"}


def resolve(database: Database, actor: Actor, serial: int, verdict: Verdict, now: int) -> None:
    """Accept or reject a pending commission of any component.

    The ledger commits by itself, so the audit log is told right after that.

    Raises:
        StateError: there is no such pending commission.
    """
    serials = frozenset([serial])
    with contextlib.closing(opening.ledger_storage(database)) as store:
        for component in registry.list_components(database.reader()):
            operation = (
                Resolve(component.id, accept=serials)
                if verdict is Verdict.ACCEPT
                else Resolve(component.id, reject=serials)
            )
            # What is over by the clock is for the engines to end.
            (outcome,) = carry_out(store, [operation], now, due=0).outcomes
            if isinstance(outcome, Resolved) and not outcome.not_found:
                after = {"commission": serial, "component": component.name}
                event = Event(KINDS[verdict], actor, after=after)
                database.change(partial(events.record, event=event, now=now))
                return
    raise StateError(f"there is no pending commission {serial}")
