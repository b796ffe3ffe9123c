"""`GET account/v1.0/commissions/history`: resolved commissions, newest first (`docs/ledger.md`)."""

from typing import Any

import msgspec

from astakos.clock import from_iso, to_iso
from astakos.directory.api_keys import PREFIX, prefix_of
from astakos.directory.entities import Component, User
from astakos.http.authentication import authenticated_component_or_user
from astakos.http.commissions.holding_names import HOLDERS, SOURCES, read_holder, read_source
from astakos.http.faults import BadRequest
from astakos.http.openapi.description import Parameter, Reply, as_text, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.key_levels import key_holder, prefix_of_holder
from astakos.ledger.operations import Verdict
from astakos.projects.limits import user_holder
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys, key_holdings
from astakos.storage.tables.commissions import LARGEST_SERIAL
from astakos.storage.tables.history import Entry, Position, Wanted, read_history
from astakosclient.answer_types import HistoryPage

USUAL_PAGE = 100
LARGEST_PAGE = 1000
INSTANT = {"type": "string", "format": "date-time"}
PREFIXES = "the prefix of a key, such as astk_k3j9x2mq"
OF_KEYS = {"type": "string", "pattern": f"^{PREFIX.pattern}$"}
TIME = "an ISO 8601 time with a time zone"


def read_number(text: str) -> int:
    """Returns the number that a parameter states.

    Raises:
        ValueError: It is not a number that a serial can be.
    """
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    number = int(text)
    if number > LARGEST_SERIAL:
        raise ValueError(text)
    return number


def page_size(text: str) -> int:
    """Returns the size of a page that a parameter states.

    Raises:
        ValueError: It is not from 1 to the largest page.
    """
    number = read_number(text)
    if not 1 <= number <= LARGEST_PAGE:
        raise ValueError(text)
    return number


def read_cursor(text: str) -> Position:
    """Returns the position that a cursor stands for.

    Raises:
        ValueError: It is not a cursor.
    """
    serial, holding, *place = text.split(".", 2)
    return Position(read_number(serial), read_number(holding), *map(read_number, place))


def cursor_of(position: Position) -> str:
    """Returns the cursor of a position."""
    serial, holding, place = position
    return f"{serial}.{holding}.{place}" if place else f"{serial}.{holding}"


def read_prefix(text: str) -> str:
    """Returns the prefix of a key that a parameter states.

    Raises:
        ValueError: No key has this prefix.
    """
    prefix = prefix_of(text)
    if prefix is None:
        raise ValueError(text)
    return prefix


HOLDER = Parameter(
    "holder", "Only return entries of this holder. Users see only their own.", read_holder, HOLDERS
)
KEY = Parameter(
    "key",
    "Only return what was charged to the key with this prefix. Users see only their own keys.",
    read_prefix,
    PREFIXES,
    OF_KEYS,
)
SOURCE = Parameter(
    "source", "Only return entries of this source; empty for those without one.", read_source, SOURCES
)
RESOURCE = Parameter("resource", "Only return entries of this resource.", as_text)
SERIAL = Parameter(
    "serial",
    "Only return entries of the commission with this serial.",
    read_number,
    "a number",
    {"type": "integer", "minimum": 0, "maximum": LARGEST_SERIAL},
)
SINCE = Parameter("since", "Only return entries resolved at or after this time.", from_iso, TIME, INSTANT)
UNTIL = Parameter("until", "Only return entries resolved before this time.", from_iso, TIME, INSTANT)
OUTCOME = Parameter(
    "outcome",
    "Only return entries with this outcome.",
    Verdict,
    "one of ACCEPT, REJECT, EXPIRED",
    {"enum": [verdict.value for verdict in Verdict]},
)
LIMIT = Parameter(
    "limit",
    f"The maximum number of entries on a page. The default is {USUAL_PAGE}.",
    page_size,
    f"a number from 1 to {LARGEST_PAGE}",
    {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE},
)
CURSOR = Parameter(
    "cursor",
    "The `next` value of the previous page.",
    read_cursor,
    "the `next` value of the previous page",
    {"type": "string", "pattern": r"^[0-9]{1,18}\.[0-9]{1,18}(\.[0-9]{1,18})?$"},
)


@described(
    "history.history",
    tokens=["service", "user"],
    parameters=[HOLDER, KEY, SOURCE, RESOURCE, SERIAL, SINCE, UNTIL, OUTCOME, LIMIT, CURSOR],
    answers={200: Reply(HistoryPage)},
    faults=[BadRequest],
)
async def history(service: Service, request: Request) -> Answer:
    """Lists resolved provisions, newest first. Components see what they issued, users their own charges."""
    caller = await authenticated_component_or_user(service, request)
    most = LIMIT.of(request) or USUAL_PAGE
    wanted = _wanted(request, caller)
    if wanted is None:
        return Answer(body=to_json({"history": [], "next": None}))
    return Answer(body=await service.read_much(_page, wanted, most, KEY.of(request)))


def _page(connection: Connection, wanted: Wanted, most: int, prefix: str | None) -> bytes:
    if prefix is not None:
        _require_limits(connection, prefix, wanted.source)
    page = read_history(connection, wanted, most)
    cursor = None if page.end is None else cursor_of(page.end)
    return to_json({"history": [describe(entry) for entry in page.entries], "next": cursor})


def _require_limits(connection: Connection, prefix: str, source: str | None) -> None:
    """Requires that what was charged to a key can be found: on its holdings, which come with its first limit.

    Raises:
        BadRequest: The key, which the caller may know of, has none.
    """
    if key_holdings.exist(connection, prefix):
        return
    owned = api_keys.find(connection, prefix)
    if owned is not None and source in (None, user_holder(owned.user)):
        raise BadRequest(
            f"The key {prefix} has had no limits, so what was charged to it cannot be listed by itself. "
            "Without key, the history has it: its entries show the key."
        )


def describe(entry: Entry) -> dict[str, Any]:
    """Returns an entry as a document."""
    document: dict[str, Any] = {
        "serial": entry.serial,
        "component": entry.component,
        "name": entry.name,
        "issue_time": to_iso(entry.issue_time),
        "log_time": to_iso(entry.resolve_time),
        "outcome": entry.verdict.value,
        **entry.key._asdict(),
        "quantity": entry.quantity,
        "settled": entry.settled,
        **msgspec.structs.asdict(entry.after),
    }
    if entry.key_holder is not None:
        document["key"] = prefix_of_holder(entry.key_holder)
    return document


def _wanted(request: Request, caller: Component | User) -> Wanted | None:
    """Returns the filters of the request, or None if no entry that the caller can see matches."""
    holder, source, prefix = HOLDER.of(request), SOURCE.of(request), KEY.of(request)
    if prefix is not None:
        if holder not in (None, key_holder(prefix)):
            return None
        holder = key_holder(prefix)
        if isinstance(caller, User):
            own = user_holder(caller.uuid)
            if source not in (None, own):
                return None
            source = own
    elif isinstance(caller, User):
        own = user_holder(caller.uuid)
        if holder not in (None, own):
            return None
        holder = own
    return Wanted(
        component=caller.id if isinstance(caller, Component) else None,
        holder=holder,
        source=source,
        resource=RESOURCE.of(request),
        serial=SERIAL.of(request),
        since=SINCE.of(request),
        until=UNTIL.of(request),
        verdict=OUTCOME.of(request),
        before=CURSOR.of(request),
    )
