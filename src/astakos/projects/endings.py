"""Projects that end by themselves at their end dates, and the notice before; the original has neither."""

from astakos.clock import to_iso
from astakos.events.event import SERVICE, Event

ENDING = "project.ending"
"""The kind of event that tells, once, that a project ends soon."""
NOTICE_DAYS = 7
"""How many days before the end the notice is given, by default."""


def reason_of_end(end_date: int) -> str:
    """Returns why a project was terminated, in the words of the audit log."""
    return f"its end date, {to_iso(end_date)}, has passed"


def project_ending(project: str, end_date: int) -> Event:
    """Returns the notice that a project ends soon."""
    return Event(ENDING, SERVICE, project, after={"end_date": to_iso(end_date)})
