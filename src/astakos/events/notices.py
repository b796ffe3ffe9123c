"""Which events are told to people, and to whom."""

from collections.abc import Mapping
from enum import StrEnum


class Audience(StrEnum):
    """Who is told of an event."""

    ADMINISTRATORS = "project administrators"
    OWNER = "the owner of the project"
    SUBJECT = "the user whom it is about"
    HELPDESK = "the help desk"


NOTICES: Mapping[str, Audience] = {
    "application.submitted": Audience.ADMINISTRATORS,
    "application.approved": Audience.SUBJECT,
    "application.denied": Audience.SUBJECT,
    "membership.requested": Audience.OWNER,
    "membership.leave_requested": Audience.OWNER,
    "membership.accepted": Audience.SUBJECT,
    "membership.enrolled": Audience.SUBJECT,
    "membership.rejected": Audience.SUBJECT,
    "membership.removed": Audience.SUBJECT,
    "project.suspended": Audience.OWNER,
    "project.ending": Audience.OWNER,
    "project.terminated": Audience.OWNER,
    "project.handed_over": Audience.SUBJECT,
    "feedback.sent": Audience.HELPDESK,
}
"""The events that are told by mail, or in the log. Whoever causes one is not told of it."""


def is_chosen(kind: str, chosen: tuple[str, ...]) -> bool:
    """Whether an event is one of those that a destination has chosen.

    Args:
        kind: the kind of the event.
        chosen: kinds such as `project.suspended`, or the first parts of several, such as `project`; without
            any, the notices.
    """
    if not chosen:
        return kind in NOTICES
    return kind in chosen or kind.partition(".")[0] in chosen
