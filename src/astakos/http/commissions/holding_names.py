"""Holders and sources by which the history is filtered: as the ledger names them, or as bare UUIDs."""

from astakos.http.commissions.requested_provisions import is_bare
from astakos.ledger.key_levels import KEY
from astakos.projects.limits import PROJECT, USER, project_holder, user_holder

HOLDERS = "user:<uuid>, project:<uuid>, key:<prefix>, or the UUID of a user"
SOURCES = "project:<uuid>, the UUID of a project, or empty"


def read_holder(text: str) -> str:
    """Returns the ledger's name of a holder.

    Raises:
        ValueError: No holder can have this name.
    """
    if is_bare(text):
        return user_holder(text.lower())
    if text.startswith((USER, PROJECT, KEY)):
        return text
    raise ValueError(text)


def read_source(text: str) -> str:
    """Returns the ledger's name of a source; "" for none.

    Raises:
        ValueError: No source can have this name.
    """
    if is_bare(text):
        return project_holder(text.lower())
    if not text or text.startswith(PROJECT):
        return text
    raise ValueError(text)
