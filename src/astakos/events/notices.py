"""Which events are told to people, and to whom."""

from collections.abc import Mapping
from enum import StrEnum

from astakos.events.event import Event


class Audience(StrEnum):
    """Who is told of an event."""

    ADMINISTRATORS = "project administrators"
    OWNER = "the owner of the project"
    SUBJECT = "the user whom it is about"
    HOLDER = "the user whom it is about, or else the owner of the project"
    HELPDESK = "the help desk"
    NEW_ADDRESS = "the address that the user wants to have"
    OLD_ADDRESS = "the address that the user had"


TESTED = "webhook.tested"
"""The kind of the event that tests a webhook: it goes to that one, whatever kinds it has chosen."""
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
    "project.activated": Audience.OWNER,
    "project.ending": Audience.OWNER,
    "project.terminated": Audience.OWNER,
    "project.handed_over": Audience.SUBJECT,
    "feedback.sent": Audience.HELPDESK,
    "quota.reached": Audience.HOLDER,
    "quota.refused": Audience.HOLDER,
    "grant.expiring": Audience.HOLDER,
    "commission.overdue": Audience.HELPDESK,
    "user.invited": Audience.SUBJECT,
    "user.recovery_requested": Audience.SUBJECT,
    "user.address_requested": Audience.NEW_ADDRESS,
    "user.address_confirmed": Audience.OLD_ADDRESS,
}
"""The kinds of events that are told by mail, or in the log. Whoever causes one is not told of it."""
MEMBER_NOTICES = ("project.suspended", "project.activated", "project.terminated")
"""The kinds of notices that are told to the members of the project, too."""
KEY_NOTICES = ("quota.reached", "quota.refused")
"""The kinds of notices that can be about the limit of a key."""
COMES_BACK_FROM = ("suspended", "terminated")


def is_notice(event: Event) -> bool:
    """Whether people are told of an event.

    That a project is active is told if it had been before: when it begins, its application was approved.
    """
    if event.kind == "project.activated":
        return (event.before or {}).get("state") in COMES_BACK_FROM
    return event.kind in NOTICES


def is_chosen(event: Event, chosen: tuple[str, ...]) -> bool:
    """Whether an event is one of those that a destination has chosen.

    Args:
        event: the event.
        chosen: kinds such as `project.suspended`, or the first parts of several, such as `project`; without
            any, the notices.
    """
    if not chosen:
        return is_notice(event)
    return event.kind in chosen or event.kind.partition(".")[0] in chosen
