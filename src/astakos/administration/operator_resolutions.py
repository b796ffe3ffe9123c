"""Ending a commission in place of its component, as an operator must when that is gone for good."""

import contextlib

from astakos.administration.state_document import StateError
from astakos.ledger.batch import perform
from astakos.ledger.operations import Resolve, Resolved, Verdict
from astakos.storage import opening
from astakos.storage.protocol import Database
from astakos.storage.tables import registry


def resolve(database: Database, serial: int, verdict: Verdict, now: int) -> None:
    """Accept or reject a pending commission, whoever issued it.

    Raises:
        StateError: no such commission is pending.
    """
    serials = frozenset([serial])
    with contextlib.closing(opening.ledger_storage(database)) as store:
        for component in registry.list_components(database.reader()):
            operation = (
                Resolve(component.id, accept=serials)
                if verdict is Verdict.ACCEPT
                else Resolve(component.id, reject=serials)
            )
            (outcome,) = perform(store, [operation], now)
            if isinstance(outcome, Resolved) and not outcome.not_found:
                return
    raise StateError(f"no commission {serial} is pending")
