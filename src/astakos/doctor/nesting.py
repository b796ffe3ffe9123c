"""Looks at which projects are within which: what is charged to a project is charged to all above it."""

from collections.abc import Iterator

from astakos.doctor.figures import RESTORE
from astakos.doctor.findings import Examined, Finding, fault
from astakos.storage.tables.nesting_faults import misplaced, wrong_links


def look_at_parents(examined: Examined) -> Iterator[Finding]:
    """Sees whether projects go round in a circle, and whether holdings count on those of the parent."""
    for one in misplaced(examined.connection):
        yield fault(f"The project {one.project} {one.reason}.", RESTORE)
    for link in wrong_links(examined.connection):
        yield fault(
            f"The holding of {link.resource} by {link.holder} does not count on that of its parent.",
            RESTORE,
        )
