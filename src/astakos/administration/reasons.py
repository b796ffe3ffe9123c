"""The reasons that actors give for changes."""

from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.storage.texts import is_storable

LONGEST_REASON = 4096
"""In characters. The audit log keeps each for ever."""


def require_reason(reason: str) -> None:
    """Checks that the audit log can hold a reason.

    Raises:
        ProjectRefusedError: it cannot.
    """
    if len(reason) > LONGEST_REASON or not is_storable(reason):
        raise ProjectRefusedError(
            RefusalKind.INVALID,
            f"the reason must have at most {LONGEST_REASON} characters, without NUL and unpaired surrogates",
        )
