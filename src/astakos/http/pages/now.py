"""`ui/admin/now`: what needs attention, and how the service does, from the same figures as the metrics."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from astakos.administration.attention import Attention, find_attention
from astakos.clock import MICROSECONDS
from astakos.directory.entities import Resource
from astakos.http.pages.holder_names import HolderName, names_of
from astakos.http.pages.page_kinds import administrator_page
from astakos.http.pages.visits import UserVisit
from astakos.http.pages.webhooks import path_of
from astakos.http.recent_figures import Figures
from astakos.http.request import Answer
from astakos.http.request_counts import SECONDS
from astakos.ledger.ports import StorageUnavailableError
from astakos.ledger.recent_refusals import RecentRefusal, RefusalsWanted
from astakos.ledger.statistics import BATCH_SECONDS, Fate
from astakos.pages.instants import duration
from astakos.pages.rates import a_second, happened, within
from astakos.storage.protocol import Connection
from astakos.storage.room import Room, room_of
from astakos.storage.tables import registry
from astakos.storage.tables.pending_ages import PendingAges, count_pending_by_age

NOW: Final = "/ui/admin/now"
COMMISSIONS: Final = "/ui/admin/commissions"
USAGE: Final = "/ui/admin/usage"
APPLICATIONS: Final = "/ui/admin/projects/applications"
REFUSALS_SHOWN: Final = 10
LITTLE_ROOM: Final = 10
"""From so many percent of free disk space on, there is enough."""
HALF: Final = 0.5
MOST: Final = 0.99
AGES: Final = (
    ("below a minute", "below_a_minute", 0),
    ("a minute to an hour", "below_an_hour", 60),
    ("an hour to a day", "below_a_day", 3600),
    ("more than a day", "longer", 86400),
)


class Matter(NamedTuple):
    """What needs attention. `path` is where it is handled, below the base URL; "" if that is elsewhere."""

    kind: str
    word: str
    text: str
    path: str = ""
    link: str = ""


class Calls(NamedTuple):
    """How calls of a kind do: how many in a second, and within how many seconds they are answered.

    `has_any` says whether there were any; without, there is nothing to say about seconds.
    """

    name: str
    has_any: bool
    rate: str
    half: str
    most: str


class ShownFigures(NamedTuple):
    """How the service does. Rates and durations are those of the last minute, or since it started."""

    since: str
    rates: Mapping[str, str]
    calls: Sequence[Calls]
    operations_a_batch: str
    batch: Calls
    failed: int
    errors: Sequence[tuple[str, int]]
    busy: int
    late: int
    cores: str
    figures: Figures


class ShownRefusal(NamedTuple):
    """What was refused lately, and to whom."""

    time: int
    service: str
    holder: HolderName
    resource: str
    unit: str | None
    scale: int
    requested: int
    available: int
    limit: int


class Found(NamedTuple):
    """What the page reads from the database."""

    attention: Attention
    ages: PendingAges
    refusals: Sequence[ShownRefusal]


async def now(visit: UserVisit) -> Answer:
    """Shows the page."""
    service = visit.service
    resources = {one.name: one for one in await service.resources()}
    figures = await _figures(visit)
    try:
        refused = await service.ledger.recent_refusals(RefusalsWanted(REFUSALS_SHOWN))
    except StorageUnavailableError:
        refused = []
    found = await service.read_much(_find, refused, resources, visit.site.now)
    room = room_of(service.database)
    matters = [*_of_the_engine(figures), *_of_the_disk(room), *_of(found.attention, visit.site.now)]
    return visit.page(
        "now.html",
        matters=matters,
        figures=None if figures is None else _shown(figures),
        found=found,
        pending=sum(found.ages[:-1]),
        ages=[(word, getattr(found.ages, name), seconds) for word, name, seconds in AGES],
        database=service.database.name,
        room=room,
        refreshes=visit.request.query.get("refresh") != "no",
        path=NOW,
        commissions=COMMISSIONS,
    )


async def _figures(visit: UserVisit) -> Figures | None:
    ask = visit.service.ask_figures
    try:
        return None if ask is None else msgspec.json.decode(await ask(), type=Figures)
    except (TimeoutError, OSError):
        return None


def _find(
    connection: Connection, refused: Sequence[RecentRefusal], resources: Mapping[str, Resource], at: int
) -> Found:
    components = {one.id: one.name for one in registry.list_components(connection)}
    names = names_of(connection, {one.holder for one in refused})
    return Found(
        find_attention(connection, at),
        count_pending_by_age(connection, at),
        [_refusal(one, names, components, resources.get(one.key.resource)) for one in refused],
    )


def _refusal(
    one: RecentRefusal,
    names: Mapping[str, HolderName],
    components: Mapping[int, str],
    resource: Resource | None,
) -> ShownRefusal:
    return ShownRefusal(
        one.time,
        components.get(one.component, "a service"),
        names[one.holder],
        one.key.resource,
        None if resource is None else resource.unit,
        0 if resource is None else resource.scale,
        one.requested,
        one.available,
        one.limit,
    )


def _shown(figures: Figures) -> ShownFigures:
    present, before = figures.now, figures.before
    seconds = max(present.at - before.at, 1.0)
    fates = {fate: present.fates[fate] - before.fates[fate] for fate in Fate}
    settled = fates[Fate.ACCEPTED] + fates[Fate.REJECTED]
    requests = happened(present.requests.counts, before.requests.counts)
    batches = happened(present.batches.counts, before.batches.counts)
    issuing = happened(present.issuing.counts, before.issuing.counts)
    errors = {name: count - before.errors.get(name, 0) for name, count in present.errors.items()}
    return ShownFigures(
        "the last minute" if before.at else f"{duration(round(seconds))}, since the service started",
        {
            "Issued": a_second(fates[Fate.ISSUED], seconds),
            "Settled": a_second(settled, seconds),
            "Expired": a_second(fates[Fate.EXPIRED], seconds),
            "Refused": a_second(present.refused - before.refused, seconds),
        },
        [_calls("Issuing", issuing, SECONDS, seconds), _calls("All requests", requests, SECONDS, seconds)],
        f"{(present.operations - before.operations) / max(1, sum(batches)):,.1f}",
        _calls("Batches", batches, BATCH_SECONDS, seconds),
        present.failed - before.failed,
        sorted(((name, count) for name, count in errors.items() if count), key=lambda one: -one[1]),
        present.busy - before.busy,
        present.late - before.late,
        f"{max(0.0, present.cpu_seconds - before.cpu_seconds) / seconds:.2f}",
        figures,
    )


def _calls(name: str, counts: Sequence[int], bounds: Sequence[float], seconds: float) -> Calls:
    return Calls(
        name,
        sum(counts) > 0,
        a_second(sum(counts), seconds),
        within(counts, bounds, HALF),
        within(counts, bounds, MOST),
    )


def _of_the_engine(figures: Figures | None) -> Iterable[Matter]:
    if figures is None:
        yield Matter("warn", "no figures", "The processes of the service do not tell how they do.")
        return
    if figures.now.has_stopped:
        yield Matter(
            "bad",
            "ledger stopped",
            "The ledger refuses every commission: what is stored contradicts the rules, or the storage is "
            "broken. The log of the service says why, and what to do.",
        )
    if figures.now.clock_is_held:
        yield Matter(
            "warn",
            "clock in doubt",
            "The clock of the machine has jumped. Nothing expires until it is right, or until you accept it "
            "with the command: astakos clock accept.",
        )


def _of_the_disk(room: Room | None) -> Iterable[Matter]:
    if room is not None and room.percent_free < LITTLE_ROOM:
        yield Matter(
            "bad",
            "disk nearly full",
            f"{room.percent_free} % of the disk with the database are free. When it is full, nothing can "
            "be charged. Make room, or keep the history for fewer days.",
            "/ui/admin/settings/history_days",
            "How long the history is kept",
        )


def _of(attention: Attention, at: int) -> Iterable[Matter]:
    for one in attention.overdue:
        age = duration((at - one.issued) // MICROSECONDS)
        yield Matter(
            "bad",
            "stuck",
            f"{one.component} has not settled {_number(one.number, 'commission')} for more than "
            f"{duration(attention.overdue_seconds)}; the oldest is {age} old.",
            f"{COMMISSIONS}?older={attention.overdue_seconds}",
            f"Commissions of {one.component}",
        )
    for resource in sorted({one.resource for one in attention.over}):
        over = [one.name for one in attention.over if one.resource == resource]
        yield Matter(
            "warn",
            "over the limit",
            f"{_named(over)} {'uses' if len(over) == 1 else 'use'} more of {resource} than the limit.",
            f"{USAGE}?resource={resource}&by=share",
            f"Who uses most of {resource}",
        )
    if attention.applications:
        yield Matter(
            "calm",
            "waiting",
            f"{_number(attention.applications, 'application')} for projects to be decided.",
            APPLICATIONS,
            "Applications",
        )
    for failing in attention.failing:
        where = failing.url or failing.name
        told = (
            "wants nothing more"
            if failing.is_disabled
            else f"did not take {_number(failing.given_up, 'message')}"
        )
        yield Matter(
            "warn", "not delivered", f"{where} {told}.", path_of(failing.name), f"Messages to {where}"
        )


def _number(number: int, word: str) -> str:
    return f"1 {word}" if number == 1 else f"{number:,} {word}s"


def _named(names: Sequence[str]) -> str:
    shown = 3
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


ROUTES = (administrator_page(NOW, now),)
