"""Plans deliveries: reads the audit log from where a destination stands, and notes what to send to whom.

The audit log is the outbox. An event is in it if and only if its change was made, so that nothing has to be
planned in the transaction of the change, which costs the same for any number of destinations.
"""

from collections.abc import Iterator

from astakos.administration.administrators import list_administrators
from astakos.deliveries.member_planning import is_for_members, members_told, plan_to_members
from astakos.deliveries.pacing import LONGEST_AGE, LONGEST_AGE_IN_LOG
from astakos.events.event import Event, RecordedEvent
from astakos.events.notices import NOTICES, TESTED, Audience, is_chosen, is_notice
from astakos.storage.protocol import Connection
from astakos.storage.tables import deliveries, destinations, events, projects, settings, users
from astakos.storage.tables.destinations import BY_MAIL, LOG, MAIL, MEMBERS, Destination

EVENTS_AT_ONCE = 500
"""How many events are read in one transaction, so that other writers do not wait long."""
MOST_PENDING = 10_000
"""How many deliveries to one destination wait. When they are so many, later events stay in the log."""


def plan(connection: Connection, name: str, now: int, *, has_mail: bool) -> bool:
    """Plans the deliveries of some events to a destination; returns whether there may be more.

    Events that are too old are passed over.

    Args:
        connection: the transaction.
        name: the destination.
        now: the present instant.
        has_mail: whether there is a mail server, so that the log need not tell what mail tells.
    """
    destination = destinations.find(connection, name)
    if destination is None or destination.disabled is not None:
        return False
    room = MOST_PENDING - deliveries.count_pending(connection, name)
    if room <= 0:
        return False
    found = events.read(connection, events.Wanted(after=destination.planned), min(room, EVENTS_AT_ONCE))
    if not found:
        return False
    oldest = now - (LONGEST_AGE_IN_LOG if name == LOG else LONGEST_AGE)
    if name == MEMBERS:
        plan_to_members(connection, destination, found, oldest, room, now)
        return True
    others = _others_than_the_log(connection, has_mail=has_mail) if name == LOG else ()
    planned = [
        (one.number, recipient)
        for one in found
        if one.time >= oldest
        for recipient in _recipients(connection, destination, one, others)
    ]
    deliveries.plan(connection, name, planned, now)
    destinations.set_planned(connection, name, found[-1].number)
    return True


def _others_than_the_log(connection: Connection, *, has_mail: bool) -> tuple[Destination, ...]:
    return tuple(
        one
        for one in destinations.list_all(connection)
        if (one.url is not None and one.disabled is None) or (one.name in BY_MAIL and has_mail)
    )


def _recipients(
    connection: Connection, destination: Destination, recorded: RecordedEvent, others: tuple[Destination, ...]
) -> Iterator[str]:
    event = recorded.event
    if destination.name == MAIL:
        if is_notice(event):
            yield from mail_addresses(connection, event, NOTICES[event.kind])
    elif destination.name == MEMBERS:
        if is_for_members(event):
            yield from (address for _, address in members_told(connection, event, after=0, most=1))
    elif destination.name == LOG:
        # The log is for what nobody else is told. Other destinations are told what happens after their start.
        told = (
            recipient
            for other in others
            if recorded.time >= other.created
            for recipient in _recipients(connection, other, recorded, ())
        )
        if is_notice(event) and next(told, None) is None:
            yield ""
    elif is_chosen(event, destination.kinds) and not _is_planned(event, destination):
        yield ""


def _is_planned(event: Event, destination: Destination) -> bool:
    return event.kind == TESTED and (event.after or {}).get("webhook") == destination.name


def mail_addresses(connection: Connection, event: Event, audience: Audience) -> list[str]:
    """Returns the addresses of those who are told of an event.

    Nobody is told what they did themselves, unless it is about their address.
    """
    if audience is Audience.HELPDESK:
        return _helpdesk(connection)
    if audience is Audience.ADMINISTRATORS:
        uuids = list[str](settings.find(connection, settings.PROJECT_ADMINS, []))
        uuids += [one.uuid for one in list_administrators(connection)]
        return _addresses(connection, event, uuids) if uuids else _helpdesk(connection)
    if audience in (Audience.NEW_ADDRESS, Audience.OLD_ADDRESS):
        # Whoever did it may be somebody else, who knows the user's password.
        values = event.after if audience is Audience.NEW_ADDRESS else event.before
        return [str(values["email"])] if values and "email" in values else []
    if audience is Audience.SUBJECT or (audience is Audience.HOLDER and event.subject is not None):
        return _addresses(connection, event, [] if event.subject is None else [event.subject])
    project = None if event.project is None else projects.find(connection, event.project)
    owner = None if project is None else project.owner
    return _addresses(connection, event, [] if owner is None else [owner])


def _helpdesk(connection: Connection) -> list[str]:
    return list(settings.find(connection, settings.HELPDESK, []))


def _addresses(connection: Connection, event: Event, uuids: list[str]) -> list[str]:
    found = (users.find_by_uuid(connection, uuid) for uuid in uuids if uuid != event.actor.user)
    return list(dict.fromkeys(user.email for user in found if user is not None and user.is_active))
