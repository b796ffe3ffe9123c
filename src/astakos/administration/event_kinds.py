"""The kinds of events that the service records: `<thing>.<what happened>`."""

from collections.abc import Mapping

from astakos.administration import operator_resolutions
from astakos.administration.grant_notices import EXPIRING
from astakos.administration.overdue_commissions import OVERDUE
from astakos.projects import invitations, project_events, quota_events
from astakos.projects.endings import ENDING
from astakos.projects.handover import HANDED_OVER
from astakos.projects.membership_actions import AUTO_ACCEPT, TABLE, event_kind
from astakos.projects.nesting import MOVED

OF_ADMINISTRATION: Mapping[str, tuple[str, ...]] = {
    "capacity": ("created", "changed"),
    "clock": ("accepted",),
    "component": ("created", "changed", "removed", "token_renewed", "token_added", "token_revoked"),
    "delivery": ("retried",),
    "feedback": ("sent",),
    "grant": ("created", "revoked"),
    "key": ("created", "changed", "rotated", "revoked"),
    "member_limit": ("changed",),
    "membership": ("created", "changed"),
    "oauth2_client": ("created", "changed", "secret_changed"),
    "oauth2_token": ("created", "changed", "revoked"),
    "resource": ("created", "changed", "default_followed", "default_follow_stopped"),
    "service": ("created", "changed"),
    "settings": ("changed",),
    "user": (
        "created",
        "changed",
        "deleted",
        "activated",
        "deactivated",
        "accepted",
        "rejected",
        "sessions_ended",
        "erased",
        "exported",
        "link_made",
        "invited",
        "recovery_requested",
        "address_requested",
        "address_confirmed",
        "terms_signed",
        "password_changed",
        "token_renewed",
        "metadata_changed",
    ),
    "webhook": ("created", "removed", "secret_rotated", "disabled", "enabled", "tested"),
}
"""What can happen to things that have no table of transitions."""
KINDS = frozenset(
    {
        project_events.CREATED,
        project_events.MODIFIED,
        *project_events.REACHED.values(),
        ENDING,
        HANDED_OVER,
        MOVED,
        *project_events.OF_APPLICATIONS.values(),
        *(event_kind(row) for rows in TABLE.values() for row in rows),
        event_kind(AUTO_ACCEPT),
        invitations.CREATED,
        invitations.USED,
        invitations.REVOKED,
        *operator_resolutions.KINDS.values(),
        *quota_events.KINDS.values(),
        EXPIRING,
        OVERDUE,
        *(f"{thing}.{happened}" for thing, all_ in OF_ADMINISTRATION.items() for happened in all_),
    }
)
"""All kinds of events."""
THINGS = frozenset(kind.partition(".")[0] for kind in KINDS)
"""The first parts of the kinds, each of which stands for several."""


def refuse_kind(text: str) -> str | None:
    """Returns why a text is neither a kind of events nor the first part of several; None if it is."""
    if text in KINDS or text in THINGS:
        return None
    thing = text.partition(".")[0]
    if thing in THINGS:
        known = ", ".join(sorted(kind for kind in KINDS if kind.partition(".")[0] == thing))
        return f"{text!r} is not a kind of events; there are: {known}"
    return (
        f"{text!r} is not a kind of events; write it like project.suspended, or project for all those; "
        f"the first parts are: {', '.join(sorted(THINGS))}"
    )
