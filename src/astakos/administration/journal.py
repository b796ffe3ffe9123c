"""Notes what one transaction changes, for the audit log.

An event tells the values that differ. What has not changed leaves no event, so that loading the same document
again records nothing.
"""

from collections.abc import Collection
from typing import Any

import msgspec

from astakos.directory.entities import Component, Resource, Service, User
from astakos.events.differences import differences
from astakos.events.event import Actor, Details, Event
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.storage.protocol import Connection
from astakos.storage.tables import events

AT_A_TIME = 1000
"""How many events are recorded together: fewer statements take more time, more events more memory."""
NOT_TOLD_OF_USERS = {"id", "uuid", "username", "token_created", "token_expires", "key"}


class Journal:
    """The events of one transaction, all by one actor. Leave it as a context to record them."""

    def __init__(self, connection: Connection, actor: Actor, now: int) -> None:
        """Notes events of this transaction."""
        self.actor = actor
        self._connection = connection
        self._now = now
        self._noted: list[Event] = []

    def __enter__(self) -> "Journal":
        """Begins to note."""
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        """Records what was noted, unless the transaction fails."""
        if failure is None:
            self._record()

    def add(self, event: Event | None) -> None:
        """Notes an event, if there is one."""
        if event is not None:
            self._noted.append(event)
        if len(self._noted) >= AT_A_TIME:
            self._record()

    def note(
        self,
        kind: str,
        *,
        project: str | None = None,
        subject: str | None = None,
        reason: str = "",
        before: Details | None = None,
        after: Details | None = None,
    ) -> None:
        """Notes that something happened."""
        self.add(Event(kind, self.actor, project, subject, reason, before, after))

    def compare(
        self,
        thing: str,
        before: Details | None,
        after: Details,
        *,
        name: str | None = None,
        project: str | None = None,
        subject: str | None = None,
    ) -> None:
        """Notes that a thing was created or changed, if it was.

        Args:
            thing: what it is; the kind of the event is `<thing>.created` or `<thing>.changed`.
            before: its values; None if it did not exist.
            after: its values now.
            name: its name, if it is neither a project nor a user.
            project: the uuid of the project that it is about.
            subject: the uuid of the user that it is about.
        """
        if before == after:
            return
        old, new = differences(before, after)
        if name is not None:
            new = {thing: name, **new}
        kind = f"{thing}.created" if before is None else f"{thing}.changed"
        self.note(kind, project=project, subject=subject, before=old, after=new)

    def _record(self) -> None:
        if self._noted:
            events.record_all(self._connection, self._noted, self._now)
            self._noted.clear()


def facts_of_user(user: User) -> dict[str, Any]:
    """Returns what the audit log tells of a user."""
    return _values(user, NOT_TOLD_OF_USERS)


def facts_of_component(component: Component) -> dict[str, Any]:
    """Returns what the audit log tells of a component."""
    return {
        "ui_url": component.ui_url,
        "base_url": component.base_url,
        "menu": dict(component.menu),
        "may_charge": component.may_charge,
    }


def facts_of_service(service: Service) -> dict[str, Any]:
    """Returns what the audit log tells of a service."""
    return {
        "type": service.type,
        "component": service.component.name,
        "endpoints": [dict(endpoint) for endpoint in service.endpoints],
    }


def facts_of_resource(resource: Resource, meter: MeterDefinition | None = None) -> dict[str, Any]:
    """Returns what the audit log tells of a resource, and of the meter that it is."""
    facts = _values(resource, {"id", "name"})
    return facts if meter is None else facts | {"meter": msgspec.to_builtins(meter)}


def _values(entity: User | Resource, left_out: Collection[str]) -> dict[str, Any]:
    # `dataclasses.asdict` copies every value, which takes ten times as long.
    return {name: getattr(entity, name) for name in entity.__slots__ if name not in left_out}
