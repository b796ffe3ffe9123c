"""Turns refused changes to projects, applications and memberships into faults."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from astakos.http.faults import BadRequest, Conflict, Fault, Forbidden, ItemNotFound
from astakos.projects.refusals import ProjectRefusedError, RefusalKind

FAULTS: Mapping[RefusalKind, type[Fault]] = {
    RefusalKind.INVALID: BadRequest,
    RefusalKind.FORBIDDEN: Forbidden,
    RefusalKind.NOT_FOUND: ItemNotFound,
    RefusalKind.CONFLICT: Conflict,
}


@contextmanager
def refusals_as_faults() -> Iterator[None]:
    """Raises the fault of a change that is refused inside."""
    try:
        yield
    except ProjectRefusedError as refusal:
        message = f"{refusal.message[0].upper()}{refusal.message[1:]}."
        raise FAULTS[refusal.kind](message) from refusal
