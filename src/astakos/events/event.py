"""One event of the audit log, and who caused it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Details = Mapping[str, Any]
"""JSON values by name."""


class Actor(NamedTuple):
    """Who causes a change, and from where.

    Attributes:
        user: the uuid of the user; None for an operator with access to the database, and for the service
            itself.
        origin: the address that the request came from, `command` for the command line, or `service` for what
            happens by itself.
        is_project_admin: whether the actor may decide about all projects.
        key: the prefix of the key that the request carried in place of a token; None if it carried none.
    """

    user: str | None
    origin: str
    is_project_admin: bool = False
    key: str | None = None


OPERATOR = Actor(None, "command", is_project_admin=True)
SERVICE = Actor(None, "service", is_project_admin=True)


class Event(NamedTuple):
    """What happened, in the words of the audit log.

    Attributes:
        kind: for example `project.suspended` or `membership.accepted`.
        actor: who caused it.
        project: the uuid of the project that it is about, if any.
        subject: the uuid of the user that it is about, if any: an applicant, a member.
        reason: why, in the actor's words; "" if they said nothing.
        before: the values that changed, before the change; None if there was nothing before.
        after: the same after the change.
    """

    kind: str
    actor: Actor
    project: str | None = None
    subject: str | None = None
    reason: str = ""
    before: Details | None = None
    after: Details | None = None


class RecordedEvent(NamedTuple):
    """An event as it stands in the audit log.

    Attributes:
        number: its place in the log, from 1 on, without gaps.
        time: the instant of the change.
        event: what happened; its actor does not say whether they are a project administrator.
        hash: depends on the event and on all before it.
    """

    number: int
    time: int
    event: Event
    hash: bytes
