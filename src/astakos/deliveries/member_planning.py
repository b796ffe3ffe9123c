"""Plans mail to the members of a project, page by page: there can be as many as there are users."""

import logging
from collections.abc import Sequence

from astakos.events.event import Event, RecordedEvent
from astakos.events.notices import MEMBER_NOTICES, is_notice
from astakos.storage.protocol import Connection
from astakos.storage.tables import deliveries, destinations, memberships, projects, settings
from astakos.storage.tables.destinations import Destination

MEMBERS_AT_ONCE = 500
"""For how many members deliveries are planned in one transaction, so that other writers do not wait long."""
MOST_MEMBERS = 1_000
"""How many members a project may have if they are told, unless the setting says otherwise."""

log = logging.getLogger("astakos.notices")


def plan_to_members(
    connection: Connection,
    destination: Destination,
    found: Sequence[RecordedEvent],
    oldest: int,
    room: int,
    now: int,
) -> None:
    """Plans deliveries of the first of some events that members are told of, to no more than a page of them.

    Args:
        connection: the transaction.
        destination: whose deliveries they are.
        found: the events after those that deliveries were planned for.
        oldest: events of earlier instants are passed over.
        room: how many deliveries may be added.
        now: the present instant.
    """
    for one in found:
        if one.time < oldest or not is_for_members(one.event):
            continue
        after = destination.planned_member if one is found[0] else 0
        if after == 0 and not _are_few(connection, one):
            continue
        most = min(room, MEMBERS_AT_ONCE)
        page = members_told(connection, one.event, after=after, most=most)
        deliveries.plan(connection, destination.name, [(one.number, address) for _, address in page], now)
        if len(page) == most:
            destinations.set_planned(connection, destination.name, one.number - 1, page[-1][0])
        else:
            destinations.set_planned(connection, destination.name, one.number)
        return
    destinations.set_planned(connection, destination.name, found[-1].number)


def is_for_members(event: Event) -> bool:
    """Whether an event is told to the members of its project."""
    return event.kind in MEMBER_NOTICES and is_notice(event)


def members_told(connection: Connection, event: Event, *, after: int, most: int) -> list[tuple[int, str]]:
    """Returns memberships in the order of their ids, each with the address of its user.

    The owner is told as such, and nobody of what they did themselves. A system project has one member, who is
    told of the deactivation that suspends it.
    """
    project = None if event.project is None else projects.find(connection, event.project)
    if project is None or project.system_project:
        return []
    without = (project.owner, event.actor.user)
    return memberships.list_addresses(connection, project.uuid, without=without, after=after, most=most)


def _are_few(connection: Connection, recorded: RecordedEvent) -> bool:
    """Whether the project of an event has so few members that they are told; if not, say so."""
    event = recorded.event
    members = memberships.count_members(connection, event.project or "")
    most = int(settings.find(connection, settings.MOST_MEMBERS_TOLD, MOST_MEMBERS))
    if members > most > 0:
        log.warning(
            "the %d members of the project %s are not told of event %d, %s: the setting most_members_told is "
            "%d",
            members,
            event.project,
            recorded.number,
            event.kind,
            most,
        )
    return members <= most
