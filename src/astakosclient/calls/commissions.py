"""The calls about commissions, and what else changes or tells the ledger's figures, as values.

Issuing always carries an idempotency key, so that a server that knows such keys issues once however often the
request comes. Accepting or rejecting twice leaves the same state, but answers 404 the second time: a server
that keeps a history can tell then whether it had been done.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from astakosclient.calls import answers, faults
from astakosclient.calls.call import Call, form, given, path_part, post
from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from astakosclient.answer_types import (
        BulkResults,
        CommissionInfo,
        HistoryPage,
        Reconciliation,
        Resolution,
    )
    from astakosclient.core.exchange import Answer

COMMISSIONS = "account/v1.0/commissions"
COMMISSIONS_ACTION = COMMISSIONS + "/action"
COMMISSIONS_BULK = COMMISSIONS + "/bulk"
COMMISSIONS_HISTORY = COMMISSIONS + "/history"
RECONCILE = "account/v1.0/reconcile"

KEYS, HISTORY, QUANTITIES = "idempotency-key", "history", "quantities"
"""What a server says in ``Astakos-Supports``."""

OUTCOMES = {"accept": "ACCEPT", "reject": "REJECT"}


def issue_commission(
    token: str | None, request: Any, ttl: int | None = None, idempotency_key: str | None = None
) -> Call[int]:
    """Ask for quantities, as a service."""
    if ttl is not None:
        if not isinstance(request, Mapping):
            raise BadValue(f"the request must be a mapping to take a ttl, not a {type(request).__name__}")
        request = {**request, "ttl": ttl}
    return post(
        "issue_commission",
        COMMISSIONS,
        token,
        request,
        answers.serial,
        repeatable=False,
        repeatable_with=KEYS,
        explain=faults.explain_refused_issue,
        idempotency_key=_key(idempotency_key),
    )


def issue_one_commission(
    token: str | None,
    holder: str,
    source: str,
    provisions: Mapping[str, int],
    name: str = "",
    force: bool = False,
    auto_accept: bool = False,
    ttl: int | None = None,
    idempotency_key: str | None = None,
) -> Call[int]:
    """Ask for quantities of one holder from one source."""
    holder = given("holder", holder)
    source = given("source", source)
    if not isinstance(given("provisions", provisions), Mapping):
        raise BadValue(f"provisions must map resources to quantities, not be a {type(provisions).__name__}")
    request = {
        "force": force,
        "auto_accept": auto_accept,
        "name": name,
        "provisions": [
            {"holder": holder, "source": source, "resource": resource, "quantity": quantity}
            for resource, quantity in provisions.items()
        ],
    }
    return issue_commission(token, request, ttl, idempotency_key)


def issue_commissions(
    token: str | None,
    requests: Iterable[Mapping[str, Any]],
    all_or_none: bool,
    idempotency_key: str | None,
) -> Call[BulkResults]:
    """Ask for many commissions, as a service."""
    document = {"commissions": list(given("requests", requests)), "all_or_none": all_or_none}
    return post(
        "issue_commissions",
        COMMISSIONS_BULK,
        token,
        document,
        answers.mapping,
        repeatable=False,
        repeatable_with=KEYS,
        idempotency_key=_key(idempotency_key),
    )


def _key(own: str | None) -> str:
    return os.urandom(16).hex() if own is None else own


def settlement(
    holder: str, source: str, issued: Mapping[str, int], used: Mapping[str, int]
) -> list[dict[str, Any]]:
    """What came true of a commission of one holder, for accepting it for less.

    Raises:
        BadValue: a resource was not issued, or a quantity is not between 0 and the issued one.
    """
    if not isinstance(used, Mapping):
        raise BadValue(f"used must map resources to quantities, not be a {type(used).__name__}")
    for resource, quantity in used.items():
        if resource not in issued:
            raise BadValue(f"{resource} is not in this commission, only {', '.join(issued)}")
        most = issued[resource]
        if type(quantity) is not int or not min(0, most) <= quantity <= max(0, most):
            raise BadValue(f"{resource} must be settled for a number between 0 and {most}, not {quantity!r}")
    return [
        {"holder": holder, "source": source, "resource": resource, "quantity": quantity}
        for resource, quantity in used.items()
    ]


def get_pending_commissions(token: str | None) -> Call[list[int]]:
    """The serials of the service's pending commissions."""
    return Call(name="get_pending_commissions", path=COMMISSIONS, token=token, read=answers.sequence)


def get_commission_info(token: str | None, serial: int) -> Call[CommissionInfo]:
    """One pending commission."""
    path = f"{COMMISSIONS}/{path_part('serial', serial)}"
    return Call(name="get_commission_info", path=path, token=token, read=answers.mapping)


def commission_action(
    token: str | None, serial: int, action: str, quantities: Iterable[Mapping[str, Any]] | None = None
) -> Call[None]:
    """Accept or reject a pending commission; accept it for some quantities, if they are given."""
    path = f"{COMMISSIONS}/{path_part('serial', serial)}/action"
    value = "" if quantities is None else {"quantities": list(quantities)}
    return post(
        "commission_action",
        path,
        token,
        {given("action", action): value},
        answers.nothing,
        repeatable=False,
        repeatable_with=HISTORY if action in OUTCOMES else "",
        confirm=_had_come_true(token, serial, OUTCOMES[action]) if action in OUTCOMES else None,
    )


def _had_come_true(token: str | None, serial: int, outcome: str) -> Call[bool]:
    path = f"{COMMISSIONS_HISTORY}?serial={path_part('serial', serial)}&limit=1"
    return Call(name="get_commission_history", path=path, token=token, read=_first_outcome_is(outcome))


def _first_outcome_is(outcome: str) -> Callable[[Answer], bool]:
    def read(answer: Answer) -> bool:
        entries = answers.mapping(answer).get("history") or [{}]
        return bool(entries[0].get("outcome") == outcome)

    return read


def resolve_commissions(
    token: str | None, accept_serials: Iterable[int], reject_serials: Iterable[int]
) -> Call[Resolution]:
    """Accept and reject many pending commissions."""
    request = {
        "accept": given("accept_serials", accept_serials),
        "reject": given("reject_serials", reject_serials),
    }
    # Done twice, everything that had succeeded would be reported as failed.
    return post("resolve_commissions", COMMISSIONS_ACTION, token, request, answers.mapping, repeatable=False)


def get_commission_history(token: str | None, filters: Mapping[str, Any]) -> Call[HistoryPage]:
    """What became of commissions."""
    wanted = {name: str(value) for name, value in filters.items() if value is not None}
    path = COMMISSIONS_HISTORY + ("?" + form(wanted).decode("ascii") if wanted else "")
    return Call(name="get_commission_history", path=path, token=token, read=answers.mapping)


def reconcile(
    token: str | None, usage: Iterable[Mapping[str, Any]], mend: bool, name: str | None
) -> Call[Reconciliation]:
    """Hold the ledger against a service's own count."""
    document: dict[str, Any] = {"usage": list(given("usage", usage)), "mend": mend}
    if name is not None:
        document["name"] = name
    return post("reconcile", RECONCILE, token, document, answers.mapping, repeatable=not mend)


def ask_what_is_supported(token: str | None) -> Call[None]:
    """What any answer about commissions says in its headers; there is no commission 0."""
    path = COMMISSIONS + "/0"
    return Call(name="ask_what_is_supported", path=path, token=token, read=answers.nothing)
