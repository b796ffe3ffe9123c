"""Says in words why a server does not let a database be used, and what to do."""

from collections.abc import Mapping
from typing import Final

import psycopg

from astakos.storage.postgresql.connection import first_line

REMEDIES: Final[Mapping[str, str]] = {
    "no password supplied": "give it in PGPASSWORD, or in the file that PGPASSFILE names, with the mode 0600",
    "password authentication failed": "see what is in PGPASSWORD, or in the file that PGPASSFILE names",
    "no pg_hba.conf entry": "let this host in, in pg_hba.conf of the server",
    '" does not exist': "create it (docs/postgresql.md#the-role-and-the-database), or name another one",
    "permission denied for schema": "let the role own the database: ALTER DATABASE … OWNER TO …",
}
"""What to do, by a part of what a server says in English."""


def reason_of(error: BaseException) -> str:
    """Returns what the server, or the driver, has said; else what the error says itself."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return first_line(cause) if isinstance(cause, psycopg.Error) else str(error)


def remedy_of(reason: str) -> str | None:
    """Returns what to do about a reason; None if it has no remedy here."""
    return next((remedy for part, remedy in REMEDIES.items() if part in reason), None)


def with_remedy(error: BaseException) -> str:
    """Returns the reason for an error, with what to do."""
    reason = reason_of(error)
    remedy = remedy_of(reason)
    return reason if remedy is None else f"{reason}; {remedy}"
