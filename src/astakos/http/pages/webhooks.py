"""`ui/admin/webhooks`: where messages go, what waits, and why it fails; tests and removes webhooks."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeVar
from urllib.parse import quote

from astakos.administration.state_document import StateError
from astakos.administration.webhooks import (
    enable_webhook,
    find_webhook,
    remove_webhook,
    retry_dead_deliveries,
    send_test,
)
from astakos.clock import MICROSECONDS
from astakos.events.event import Actor
from astakos.http.faults import Conflict, ItemNotFound
from astakos.http.pages.page_kinds import administrator_action, administrator_making, administrator_page
from astakos.http.pages.visits import Question, UserVisit
from astakos.http.request import Answer
from astakos.pages.sentences import sentence
from astakos.storage.protocol import Connection
from astakos.storage.tables import deliveries, destinations, events
from astakos.storage.tables.deliveries import Delivery, DeliveryState
from astakos.storage.tables.destinations import BY_MAIL, LOG, MAIL, MEMBERS, Destination

T = TypeVar("T")
WEBHOOKS: Final = "/ui/admin/webhooks"
ONE: Final = f"{WEBHOOKS}/{{name}}"
LATEST: Final = 20
LATE: Final = 120 * MICROSECONDS
"""How long after it is due a message is late: whoever sends looks every few seconds."""
NO_DESTINATION: Final = "There is no such webhook."
TESTED_ALREADY: Final = "You have already sent this form. One test message is under way or was sent."
TITLES: Final = {
    MAIL: "Mail",
    MEMBERS: "Mail to members of projects",
    LOG: "The log of the service",
}


class Shown(NamedTuple):
    """A destination as pages show it.

    Attributes:
        destination: The destination.
        title: What pages call it: the URL of a webhook.
        waiting: How many messages are still to be sent.
        dead: How many were given up.
        failed: What failed last, of these.
        is_late: Whether something is due that nobody sends.
    """

    destination: Destination
    title: str
    waiting: int
    dead: int
    failed: Delivery | None
    is_late: bool

    @property
    def is_webhook(self) -> bool:
        """Whether it can be tested and removed."""
        return self.destination.url is not None

    @property
    def path(self) -> str:
        """The path of its page."""
        return path_of(self.destination.name)

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of events that it receives."""
        return self.destination.kinds or ("the notices",)


class Sent(NamedTuple):
    """A message, and the kind of its event."""

    delivery: Delivery
    kind: str


def path_of(name: str) -> str:
    """Returns the path of the page of a destination."""
    return f"{WEBHOOKS}/{quote(name)}"


async def webhooks(visit: UserVisit) -> Answer:
    """Shows all destinations, webhooks first."""
    found = await visit.service.read(_all, visit.site.now)
    return visit.page(
        "webhooks.html",
        webhooks=[one for one in found if one.is_webhook],
        others=[one for one in found if not one.is_webhook],
    )


def _all(connection: Connection, now: int) -> list[Shown]:
    counts, due = deliveries.count(connection), deliveries.due_longest(connection)
    return [
        Shown(
            one,
            one.url or TITLES.get(one.name, one.name),
            counts.get((one.name, DeliveryState.PENDING), 0),
            counts.get((one.name, DeliveryState.DEAD), 0),
            deliveries.last_failed(connection, one.name),
            one.disabled is None and due.get(one.name, now) < now - LATE,
        )
        for one in destinations.list_all(connection)
    ]


async def webhook(visit: UserVisit) -> Answer:
    """Shows one destination, with what was sent to it lately."""
    found, sent = await visit.service.read(_find, visit)
    return visit.page(
        "webhook.html",
        found=found,
        sent=sent,
        by_mail=found.destination.name in BY_MAIL,
        latest=LATEST,
    )


def _find(connection: Connection, visit: UserVisit) -> tuple[Shown, list[Sent]]:
    name = visit.request.parameter
    found = next((one for one in _all(connection, visit.site.now) if one.destination.name == name), None)
    if found is None:
        raise ItemNotFound(NO_DESTINATION)
    return found, [
        Sent(one, _kind(connection, one))
        for one in deliveries.list_newest(connection, LATEST, destination=name)
    ]


def _kind(connection: Connection, delivery: Delivery) -> str:
    (recorded,) = events.read(connection, events.Wanted(after=delivery.event - 1), 1)
    return recorded.event.kind


async def test(visit: UserVisit) -> Answer:
    """Sends a test message."""
    name = visit.request.parameter

    def make(connection: Connection, actor: Actor) -> None:
        _find_webhook(connection, name)
        send_test(connection, actor, name, visit.service.now())

    await _unless_refused(visit.make(make, place=lambda _: path_of(name), again=TESTED_ALREADY))
    told = "A test message waits to be sent. Load this page again in some seconds to see what became of it."
    return visit.done(told, path_of(name))


async def enable(visit: UserVisit) -> Answer:
    """Sends to a disabled webhook again."""
    await _change(visit, enable_webhook)
    return visit.done("The webhook is enabled: what waits is sent.", path_of(visit.request.parameter))


async def remove(visit: UserVisit) -> Answer:
    """Removes a webhook, after asking."""
    name = visit.request.parameter
    found = await visit.service.read(_find_webhook, name)
    if not visit.is_confirmed:
        lines = (
            f"{found.url} gets nothing more, and what still waits for it is deleted.",
            "A new webhook for the same address has another secret.",
        )
        return visit.ask(Question("Remove this webhook?", lines, "Remove", path_of(name)))
    await _change(visit, remove_webhook)
    return visit.done(f"The webhook {name} has been removed.", WEBHOOKS)


async def retry(visit: UserVisit) -> Answer:
    """Tries again to send what was given up."""
    name = visit.request.parameter
    found, _ = await visit.service.read(_find, visit)
    number = await visit.change(
        lambda connection, actor: retry_dead_deliveries(connection, actor, name, visit.service.now())
    )
    told = "1 message is tried again." if number == 1 else f"{number:,} messages are tried again."
    return visit.done(told, found.path)


def _find_webhook(connection: Connection, name: str) -> Destination:
    try:
        return find_webhook(connection, name)
    except StateError:
        raise ItemNotFound(NO_DESTINATION) from None


async def _change(visit: UserVisit, act: Callable[[Connection, Actor, str, int], T]) -> T:
    name = visit.request.parameter

    def change(connection: Connection, actor: Actor) -> T:
        _find_webhook(connection, name)
        return act(connection, actor, name, visit.service.now())

    return await _unless_refused(visit.change(change))


async def _unless_refused(change: Awaitable[T]) -> T:
    try:
        return await change
    except StateError as error:
        raise Conflict(sentence(str(error))) from error


ROUTES = (
    administrator_page(WEBHOOKS, webhooks),
    administrator_page(ONE, webhook),
    administrator_making(f"{ONE}/test", test),
    administrator_action(f"{ONE}/enable", enable),
    administrator_action(f"{ONE}/retry", retry),
    administrator_action(f"{ONE}/remove", remove),
)
