"""`ui/admin/commissions`: what is pending, oldest first, to accept or reject in place of its service."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from astakos.administration.reasons import require_reason
from astakos.clock import MICROSECONDS
from astakos.http.faults import BadRequest
from astakos.http.pages.filters import component_of, found_by, options_of, services_of, whole_number
from astakos.http.pages.holder_names import find_holder, names_of
from astakos.http.pages.page_kinds import administrator_action, administrator_page
from astakos.http.pages.shown_provisions import Resources, ShownProvision, holders_of, of_persons, shown
from astakos.http.pages.visits import Question, UserVisit
from astakos.http.request import Answer
from astakos.ledger.key_levels import prefix_of_holder
from astakos.ledger.operations import Verdict
from astakos.pages.instants import duration
from astakos.pages.numbers import short
from astakos.pages.tables import state_of
from astakos.projects.refusals import ProjectRefusedError
from astakos.service.resolving import resolve_commissions
from astakos.storage.protocol import Connection
from astakos.storage.tables import commissions, pending_serials, registry
from astakos.storage.tables.pending_list import PendingEntry, PendingWanted, read_pending_page

COMMISSIONS: Final = "/ui/admin/commissions"
ROWS: Final = 40
"""Each is a field of the form, and a form has at most `forms.MOST_FIELDS`."""
ASKED_ABOUT: Final = 10
LONGEST_SHOWN_NAME: Final = 100
LONGEST_SHOWN_REASON: Final = 500
BOX: Final = "serial-"
AGES: Final = (
    ("", "Any age"),
    ("60", "1 minute"),
    ("600", "10 minutes"),
    ("3600", "1 hour"),
    ("86400", "1 day"),
    ("604800", "1 week"),
)
MEANINGS: Final[Mapping[Verdict, str]] = {
    Verdict.ACCEPT: "What it reserves counts as used.",
    Verdict.REJECT: "What it reserves becomes free again.",
}
WORDS: Final[Mapping[Verdict, tuple[str, str]]] = {
    Verdict.ACCEPT: ("Accept", "accepted"),
    Verdict.REJECT: ("Reject", "rejected"),
}


class Filters(NamedTuple):
    """What the reader asks for, as they have written it; "" for nothing."""

    service: str = ""
    resource: str = ""
    holder: str = ""
    older: str = ""
    after: str = ""


class ShownCommission(NamedTuple):
    """A pending commission; `key` is what the key begins with that it was issued for."""

    serial: int
    component: str
    name: str
    issue_time: int
    expires: int | None
    provisions: Sequence[ShownProvision]
    key: str | None


class Found(NamedTuple):
    """What the page reads.

    Attributes:
        rows: The commissions.
        end: Where the next page begins; None if there is none.
        services: The names of all services.
        errors: What is wrong with the filters, by name.
    """

    rows: Sequence[ShownCommission]
    end: int | None
    services: Sequence[str]
    errors: Mapping[str, str]


async def pending(visit: UserVisit) -> Answer:
    """Shows the page."""
    return await _page(visit, visit.request.query)


async def _page(visit: UserVisit, query: Mapping[str, str], reason: str = "", refusal: str = "") -> Answer:
    filters = Filters(*(query.get(name, "").strip() for name in Filters._fields))
    resources = {one.name: one for one in await visit.service.resources()}
    found = await visit.service.read_much(_find, filters, resources, visit.site.now)
    return visit.page(
        "commissions.html",
        status=422 if refusal else 200,
        state=state_of(query, f"{visit.site.base}{COMMISSIONS}", [], sort=""),
        filters=filters,
        found=found,
        is_filtered=any(filters[:-1]),
        services=options_of(found.services, filters.service, "All services"),
        resources=options_of(resources, filters.resource, "All resources"),
        ages=_ages(filters.older),
        sent=_query(query),
        reason=reason,
        refusal=refusal,
        box=BOX,
    )


def _ages(given: str) -> Sequence[tuple[str, str]]:
    seconds = whole_number(given)
    is_other = seconds is not None and given not in dict(AGES)
    return [*AGES, (given, duration(seconds))] if is_other and seconds is not None else AGES


def _find(connection: Connection, filters: Filters, resources: Resources, now: int) -> Found:
    errors: dict[str, str] = {}
    services = services_of(connection)
    older = whole_number(filters.older)
    wanted = PendingWanted(
        component=found_by(component_of, connection, filters.service, "service", errors),
        holder=found_by(find_holder, connection, filters.holder, "holder", errors),
        resource=filters.resource or None,
        issued_before=None if older is None else now - older * MICROSECONDS,
    )
    if errors:
        return Found([], None, services, errors)
    page = read_pending_page(connection, wanted, after=whole_number(filters.after) or 0, most=ROWS)
    return Found(_shown(connection, page.entries, resources), page.end, services, errors)


def _shown(
    connection: Connection, entries: Sequence[PendingEntry], resources: Resources
) -> list[ShownCommission]:
    keys = [provision.key for entry in entries for provision in entry.provisions]
    names = names_of(connection, holders_of(keys))
    rows = []
    for entry in entries:
        told = of_persons([provision.key for provision in entry.provisions])
        provisions = [
            shown(key, quantity, names, resources) for key, quantity in entry.provisions if key in told
        ]
        key = None if entry.key_holder is None else prefix_of_holder(entry.key_holder)
        rows.append(
            ShownCommission(
                entry.serial, entry.component, entry.name, entry.issue_time, entry.expires, provisions, key
            )
        )
    return rows


async def resolve(visit: UserVisit) -> Answer:
    """Accepts or rejects those that were chosen, after asking, and returns to where the form was."""
    verdict = next((one for one in WORDS if one.value == visit.form.get("verdict")), None)
    if verdict is None:
        raise BadRequest("The form does not say whether to accept or to reject.")
    do, done = WORDS[verdict]
    chosen = _chosen(visit.form)
    reason = visit.reason
    back, query = _back(visit.form.get("back", ""))
    if not chosen:
        return await _page(visit, query, reason, "Choose at least one commission.")
    try:
        require_reason(reason)
    except ProjectRefusedError as error:
        return await _page(visit, query, reason, f"{error}.")
    if not visit.is_confirmed:
        rows = await _asked_about(visit, chosen)
        if not rows:
            return visit.done(f"Nothing was {done}: what you chose is not pending any more.", back)
        number = "this commission" if len(chosen) == 1 else f"{len(chosen)} commissions"
        return visit.ask(Question(f"{do} {number}?", _lines(verdict, rows, len(chosen), reason), do, back))
    actor = await visit.service.read(visit.actor)
    resolution = await resolve_commissions(visit.service, actor, chosen, verdict, reason)
    told = [f"{_number(len(resolution.resolved))} {done}."] if resolution.resolved else []
    if resolution.missing:
        told.append(f"{_number(len(resolution.missing))} not pending any more.")
    return visit.done(" ".join(told), back)


def _number(number: int) -> str:
    return "1 commission was" if number == 1 else f"{number} commissions were"


def _chosen(form: Mapping[str, str]) -> list[int]:
    found = (whole_number(name.removeprefix(BOX)) for name in form if name.startswith(BOX))
    return [serial for serial in found if serial is not None]


def _query(query: Mapping[str, str]) -> str:
    return urlencode({name: query[name] for name in Filters._fields if query.get(name)})


def _back(text: str) -> tuple[str, Mapping[str, str]]:
    """Returns the path of the page that a form was on, and the filters there.

    The form says it by the serial of the commission that is shown, or by the query of the list.
    """
    serial = whole_number(text)
    if serial is not None:
        return f"{COMMISSIONS}/{serial}", {}
    query = dict(parse_qsl(text[:2000]))
    kept = _query(query)
    return f"{COMMISSIONS}?{kept}" if kept else COMMISSIONS, query


async def _asked_about(visit: UserVisit, serials: Sequence[int]) -> Sequence[ShownCommission]:
    resources = {one.name: one for one in await visit.service.resources()}
    return await visit.service.read(find_pending, serials[:ASKED_ABOUT], resources)


def find_pending(
    connection: Connection, serials: Sequence[int], resources: Resources
) -> Sequence[ShownCommission]:
    """Returns those commissions that are pending, whoever issued them."""
    known = {component.id: component.name for component in registry.list_components(connection)}
    entries = []
    for component, found in pending_serials.by_component(connection, serials, known).items():
        for serial in found:
            one = commissions.find_pending(connection, component, serial)
            if one is not None:
                entries.append(
                    PendingEntry(
                        serial,
                        known[component],
                        one.name,
                        one.issue_time,
                        one.expires,
                        one.provisions,
                        one.key_holder,
                    )
                )
    return _shown(connection, sorted(entries), resources)


def _lines(verdict: Verdict, rows: Sequence[ShownCommission], chosen: int, reason: str) -> list[str]:
    lines = [f"{row.serial}{_named(row.name)}, of {row.component}: {_words(row.provisions)}." for row in rows]
    if chosen > len(rows):
        lines.append(f"And {chosen - len(rows)} more.")
    return [
        *lines,
        f"Reason: {_bounded(reason, LONGEST_SHOWN_REASON)}",
        f"{MEANINGS[verdict]} This cannot be undone. The service that issued it is not told.",
    ]


def _named(name: str) -> str:
    return f" “{_bounded(name, LONGEST_SHOWN_NAME)}”" if name else ""


def _bounded(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _words(provisions: Sequence[ShownProvision]) -> str:
    words = [
        f"{short(one.quantity, one.unit, one.scale)} of {one.resource} for {one.holder.text}"
        for one in provisions[:ASKED_ABOUT]
    ]
    more = len(provisions) - len(words)
    return "; ".join([*words, f"{more} more"] if more else words) or "nothing"


ROUTES = (
    administrator_page(COMMISSIONS, pending),
    administrator_action(f"{COMMISSIONS}/resolve", resolve),
)
