"""`GET account/v1.0/commissions/history`: what became of commissions, newest first (`docs/ledger.md`)."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from astakos.clock import from_iso, to_iso
from astakos.directory.model import Component, User
from astakos.http.authentication import authenticated_component_or_user
from astakos.http.faults import BadRequest
from astakos.http.messages import Answer, Request
from astakos.http.serialization import to_json
from astakos.http.service import Service
from astakos.ledger.operations import Verdict
from astakos.projects.limits import user_holder
from astakos.storage.commissions import LARGEST_SERIAL
from astakos.storage.history import Entry, Position, Wanted, read_history

T = TypeVar("T")

USUAL_PAGE = 100
LARGEST_PAGE = 1000


async def history(service: Service, request: Request) -> Answer:
    """A component sees what it issued, a user what was charged to them."""
    caller = await authenticated_component_or_user(service, request)
    query = request.query
    most = _read(query, "limit", _page_size, "a number from 1 to 1000") or USUAL_PAGE
    wanted = _wanted(query, caller)
    if wanted is None:
        return Answer(body=to_json({"history": [], "next": None}))
    page = await service.read_much(read_history, wanted, most)
    cursor = None if page.end is None else f"{page.end.serial}.{page.end.holding}"
    return Answer(body=to_json({"history": [describe(entry) for entry in page.entries], "next": cursor}))


def describe(entry: Entry) -> dict[str, Any]:
    """An entry as a document."""
    return {
        "serial": entry.serial,
        "component": entry.component,
        "name": entry.name,
        "issue_time": to_iso(entry.issue_time),
        "log_time": to_iso(entry.resolve_time),
        "outcome": entry.verdict.value,
        **entry.key._asdict(),
        "quantity": entry.quantity,
        "settled": entry.settled,
        **entry.after._asdict(),
    }


def _wanted(query: Mapping[str, str], caller: Component | User) -> Wanted | None:
    """What is asked for; None if the caller can not see any of it."""
    holder = query.get("holder")
    if isinstance(caller, User):
        own = user_holder(caller.uuid)
        if holder not in (None, own):
            return None
        holder = own
    return Wanted(
        component=caller.id if isinstance(caller, Component) else None,
        holder=holder,
        source=query.get("source"),
        resource=query.get("resource"),
        serial=_read(query, "serial", _number, "a number"),
        since=_read(query, "since", from_iso, "an ISO 8601 time with a zone"),
        until=_read(query, "until", from_iso, "an ISO 8601 time with a zone"),
        verdict=_read(query, "outcome", Verdict, "one of ACCEPT, REJECT, EXPIRED"),
        before=_read(query, "cursor", _position, "what `next` of the page before says"),
    )


def _read(query: Mapping[str, str], name: str, read: Callable[[str], T], right: str) -> T | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise BadRequest(f"{name} must be {right}, not {text!r}.") from error


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number <= LARGEST_SERIAL:
        raise ValueError(text)
    return number


def _page_size(text: str) -> int:
    number = _number(text)
    if not 1 <= number <= LARGEST_PAGE:
        raise ValueError(text)
    return number


def _position(text: str) -> Position:
    serial, _, holding = text.partition(".")
    return Position(_number(serial), _number(holding))
