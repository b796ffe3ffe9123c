"""Builds the calls about commissions, the ledger's history and reconciliation.

Every issue request carries an idempotency key; a server that supports such keys issues the commission once,
however often it receives the request. Accepting or rejecting a commission twice leaves the same state, but
the second request gets 404; a server that keeps a history can then confirm that the first one took effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from astakosclient.calls import answers, faults
from astakosclient.calls.call import Call, form, given, key_or_new, listed, mappings, post, text
from astakosclient.calls.keys import prefix_of_key
from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from astakosclient.answer_types import (
        BulkResults,
        CommissionInfo,
        Granted,
        HistoryPage,
        Provision,
        Reconciliation,
        Resolution,
    )
    from astakosclient.core.exchange import Answer

T = TypeVar("T")

COMMISSIONS = "account/v1.0/commissions"
COMMISSIONS_ACTION = COMMISSIONS + "/action"
COMMISSIONS_BULK = COMMISSIONS + "/bulk"
COMMISSIONS_HISTORY = COMMISSIONS + "/history"
RECONCILE = "account/v1.0/reconcile"

KEYS, HISTORY, QUANTITIES, OVERAGE = "idempotency-key", "history", "quantities", "overage"
"""Names of protocol extensions in the ``Astakos-Supports`` header."""

_INTEGER = re.compile(r"-?[0-9]{1,20}")
LONGEST_SERIAL = 64
"""Bits of a serial; Python refuses to write a number of thousands of digits."""

OUTCOMES = {"accept": "ACCEPT", "reject": "REJECT"}
"""Outcome in the history by action."""


def issue_commission(
    token: str | None, request: Any, ttl: int | None = None, idempotency_key: str | None = None
) -> Call[int]:
    """Builds the call that issues a commission.

    Raises:
        BadValue: ``request`` cannot be encoded as JSON, is no mapping and ``ttl`` is set, or is a question.
    """
    _refuse_question(request, "check_commission")
    if ttl is not None:
        if not isinstance(request, Mapping):
            raise BadValue(f"request must be a mapping if ttl is set, not a {type(request).__name__}")
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
        idempotency_key=key_or_new(idempotency_key),
    )


def issue_at_most(
    token: str | None, request: Mapping[str, Any], ttl: int | None, idempotency_key: str | None
) -> Call[Granted]:
    """Builds the call that issues as much as there is room for.

    Raises:
        BadValue: ``request`` is no mapping that can be encoded as JSON, or is a question.
    """
    _refuse_question(request, "check_commission with at_most=True")
    document = _with(request, at_most=True) if ttl is None else _with(request, at_most=True, ttl=ttl)
    return post(
        "issue_at_most",
        COMMISSIONS,
        token,
        document,
        answers.granted_commission,
        repeatable=False,
        repeatable_with=KEYS,
        explain=faults.explain_refused_issue,
        idempotency_key=key_or_new(idempotency_key),
    )


def check_commission(
    token: str | None, request: Mapping[str, Any], at_most: bool
) -> Call[list[Provision] | None]:
    """Builds the call that asks whether, or with ``at_most`` for how much, a commission would be issued."""
    document = _with(request, dry_run=True, at_most=True) if at_most else _with(request, dry_run=True)
    return post(
        "check_commission",
        COMMISSIONS,
        token,
        document,
        answers.granted,
        repeatable=True,
        explain=faults.explain_refused_issue,
    )


def _refuse_question(request: Any, instead: str) -> None:
    if isinstance(request, Mapping) and request.get("dry_run") is True:
        raise BadValue(f"request has dry_run, with which nothing is issued; use {instead}")


def _with(request: Any, **more: Any) -> dict[str, Any]:
    if not isinstance(request, Mapping):
        raise BadValue(f"request must be a mapping, not a {type(request).__name__}")
    return {**request, **more}


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
    key: str | None = None,
) -> Call[int]:
    """Builds the call that issues a commission for one holder and source.

    Raises:
        BadValue: ``holder``, ``source`` or ``provisions`` is None, or ``provisions`` is not a mapping.
    """
    holder = text("holder", holder)
    source = text("source", source)
    if not isinstance(given("provisions", provisions), Mapping):
        raise BadValue(f"provisions must map resources to quantities, not be a {type(provisions).__name__}")
    request: dict[str, Any] = {
        "force": force,
        "auto_accept": auto_accept,
        "name": name,
        "provisions": provisions_of(holder, source, provisions),
    }
    if key is not None:
        request["key"] = prefix_of_key("key", key)
    return issue_commission(token, request, ttl, idempotency_key)


def issue_commissions(
    token: str | None,
    requests: Iterable[Mapping[str, Any]],
    all_or_none: bool,
    idempotency_key: str | None,
) -> Call[BulkResults]:
    """Builds the call that issues several commissions in one request."""
    document = {"commissions": mappings("requests", requests), "all_or_none": all_or_none}
    return post(
        "issue_commissions",
        COMMISSIONS_BULK,
        token,
        document,
        answers.mapping,
        repeatable=False,
        repeatable_with=KEYS,
        idempotency_key=key_or_new(idempotency_key),
    )


def settlement(
    holder: str, source: str, issued: Mapping[str, int], used: Mapping[str, int], *, beyond: bool = False
) -> list[dict[str, Any]]:
    """Returns the ``quantities`` for accepting other amounts than were issued to one holder and source.

    Args:
        holder, source: those of the commission.
        issued: quantity by resource.
        used: quantity by resource.
        beyond: whether more may have been used than was issued.

    Raises:
        BadValue: a resource is not in ``issued``, or a quantity is not possible.
    """
    if not isinstance(used, Mapping):
        raise BadValue(f"used must map resources to quantities, not be a {type(used).__name__}")
    for resource, quantity in used.items():
        if resource not in issued:
            known = f"only {', '.join(issued)}" if issued else "which is empty"
            raise BadValue(f"{resource} is not in this commission, {known}")
        most = issued[resource]
        bounds = (0, None) if beyond and most >= 0 else (min(0, most), max(0, most))
        if (
            type(quantity) is not int
            or quantity < bounds[0]
            or (bounds[1] is not None and quantity > bounds[1])
        ):
            wanted = "a positive integer or 0" if bounds[1] is None else f"an integer from 0 to {most}"
            raise BadValue(f"quantity of {resource} must be {wanted}, not {quantity!r}")
    return provisions_of(holder, source, used)


def provisions_of(holder: str, source: str, quantities: Mapping[str, int]) -> list[dict[str, Any]]:
    """Returns quantities by resource as the provisions of one holder and source.

    Raises:
        BadValue: ``quantities`` is not a mapping, or a quantity is a fraction.
    """
    if not isinstance(quantities, Mapping):
        raise BadValue(f"quantities must be by resource, not a {type(quantities).__name__}")
    for resource, quantity in quantities.items():
        if _has_fraction(quantity):
            raise BadValue(
                f"quantity of {resource} must be a whole number, not {quantity!r}; "
                "astakosclient.pricing.quantity_of turns an amount such as '0.50' into one"
            )
    return [
        {"holder": holder, "source": source, "resource": resource, "quantity": quantity}
        for resource, quantity in quantities.items()
    ]


def _has_fraction(number: object) -> bool:
    """Returns whether JSON cannot have a number as a whole one."""
    if isinstance(number, float):
        return not number.is_integer()
    return hasattr(number, "as_integer_ratio") and not isinstance(number, int)


def limited(issued: Mapping[str, int], used: object) -> dict[str, int] | None:
    """Returns the used quantities, each limited to the one issued; None if they cannot be limited."""
    if not isinstance(used, Mapping):
        return None
    found: dict[str, int] = {}
    for resource, quantity in used.items():
        if resource not in issued or type(quantity) is not int or quantity * issued[resource] < 0:
            return None
        found[resource] = min(quantity, issued[resource], key=abs)
    return found


def get_pending_commissions(
    token: str | None, after: int | None = None, limit: int | None = None
) -> Call[list[int]]:
    """Builds the call that lists the serials of the service's pending commissions."""
    path = COMMISSIONS + _query({"after": after, "limit": limit})
    return Call(name="get_pending_commissions", path=path, token=token, read=answers.sequence)


def get_commission_info(token: str | None, serial: int) -> Call[CommissionInfo]:
    """Builds the call that returns a pending commission."""
    path = f"{COMMISSIONS}/{_checked_serial(serial)}"
    return Call(
        name="get_commission_info",
        path=path,
        token=token,
        read=answers.mapping,
        explain=faults.explain_missing_commission,
    )


def commission_action(
    token: str | None,
    serial: int,
    action: str,
    quantities: Iterable[Mapping[str, Any]] | None = None,
    overage: str | None = None,
) -> Call[None]:
    """Builds the call that accepts or rejects a pending commission; see `accept_commission` of the client."""
    action = text("action", action)
    value: Any = "" if quantities is None else {"quantities": mappings("quantities", quantities)}
    if quantities is not None and overage is not None:
        value["overage"] = overage
    return post(
        "commission_action",
        _action_path(serial),
        token,
        {action: value},
        answers.nothing,
        repeatable=False,
        repeatable_with=HISTORY if action in OUTCOMES else "",
        explain=faults.explain_missing_commission,
        confirm=_took_effect(token, serial, OUTCOMES[action]) if action in OUTCOMES else None,
    )


def grow_commission(
    token: str | None, serial: int, quantities: Iterable[Mapping[str, Any]], force: bool
) -> Call[None]:
    """Builds the call that raises a pending commission to new totals."""
    value = {"quantities": mappings("quantities", quantities), "force": force}
    return _change("grow_commission", token, serial, {"grow": value}, answers.nothing)


def extend_commission(token: str | None, serial: int, ttl: int) -> Call[str | None]:
    """Builds the call that lets a pending commission expire later; its result is when."""
    document = {"extend": {"ttl": given("ttl", ttl)}}
    return _change("extend_commission", token, serial, document, _expiry)


def _expiry(answer: Answer) -> str | None:
    expires: str | None = answers.mapping(answer).get("expires")
    return expires


def report_progress(token: str | None, serial: int, quantities: Iterable[Mapping[str, Any]]) -> Call[None]:
    """Builds the call that says what has been used of a pending commission so far."""
    value = {"quantities": mappings("quantities", quantities)}
    return _change("report_progress", token, serial, {"progress": value}, answers.nothing)


def _change(
    name: str, token: str | None, serial: int, document: Mapping[str, Any], read: Callable[[Answer], T]
) -> Call[T]:
    # Repeating it does no harm: all values are absolute.
    return post(
        name, _action_path(serial), token, document, read, repeatable=True, explain=faults.explain_change
    )


def _action_path(serial: int) -> str:
    return f"{COMMISSIONS}/{_checked_serial(serial)}/action"


def _checked_serial(serial: object) -> int:
    """Returns a serial.

    Raises:
        BadValue: it is None, or not an integer or its text.
    """
    given("serial", serial)
    if isinstance(serial, str) and _INTEGER.fullmatch(serial):
        return int(serial)
    if not isinstance(serial, int) or isinstance(serial, bool):
        raise BadValue(f"serial must be an integer, not {serial!r}")
    if serial.bit_length() > LONGEST_SERIAL:
        raise BadValue(f"serial must be an integer of at most {LONGEST_SERIAL} bits")
    return serial


def _took_effect(token: str | None, serial: int, outcome: str) -> Call[bool]:
    path = f"{COMMISSIONS_HISTORY}?serial={_checked_serial(serial)}&limit=1"
    return Call(name="get_commission_history", path=path, token=token, read=_first_outcome_is(outcome))


def _first_outcome_is(outcome: str) -> Callable[[Answer], bool]:
    def read(answer: Answer) -> bool:
        entries = answers.mapping(answer).get("history") or [{}]
        return bool(entries[0].get("outcome") == outcome)

    return read


def resolve_commissions(
    token: str | None, accept_serials: Iterable[int], reject_serials: Iterable[int]
) -> Call[Resolution]:
    """Builds the call that accepts and rejects several pending commissions."""
    request = {
        "accept": listed("accept_serials", accept_serials),
        "reject": listed("reject_serials", reject_serials),
    }
    # Not repeatable: the second response would report the serials resolved by the first as failed.
    return post("resolve_commissions", COMMISSIONS_ACTION, token, request, answers.mapping, repeatable=False)


def get_commission_history(token: str | None, filters: Mapping[str, Any]) -> Call[HistoryPage]:
    """Builds the call that lists resolved commissions."""
    prefix_of_key("key", filters.get("key"))
    path = COMMISSIONS_HISTORY + _query(filters)
    return Call(name="get_commission_history", path=path, token=token, read=answers.mapping)


def _query(filters: Mapping[str, Any]) -> str:
    wanted = {name: str(value) for name, value in filters.items() if value is not None}
    return "?" + form(wanted).decode("ascii") if wanted else ""


def reconcile(
    token: str | None, usage: Iterable[Mapping[str, Any]], mend: bool, name: str | None
) -> Call[Reconciliation]:
    """Builds the call that compares the ledger with actual usage."""
    document: dict[str, Any] = {"usage": mappings("usage", usage), "mend": mend}
    if name is not None:
        document["name"] = name
    return post("reconcile", RECONCILE, token, document, answers.mapping, repeatable=not mend)


def ask_what_is_supported(token: str | None) -> Call[None]:
    """Builds a call whose response headers list the server's extensions; commission 0 does not exist."""
    path = COMMISSIONS + "/0"
    return Call(name="ask_what_is_supported", path=path, token=token, read=answers.nothing)
