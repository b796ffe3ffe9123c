"""Works through a pooler that may give each transaction another server process, such as PgBouncer.

Behind one, what is prepared or set in one transaction may be missing in the next, or be another client's: the
name of a prepared statement may even stand for another statement. So nothing is prepared there, and each
transaction begins with its own settings, because poolers do not pass on those of a new connection.

These statements are never sent to CockroachDB or YugabyteDB without a pooler.
"""

import re
from collections.abc import Mapping
from typing import Any

import psycopg

from astakos.storage.postgresql.pipeline import Query, Statement

SERVER_PROCESS = "SELECT pg_backend_pid()"
SETTING = re.compile(r"(?:-c\s*|--)(\w+)\s*=\s*((?:\\.|[^\s\\])*)")
ONLY_FOR_SESSIONS = {"default_transaction_read_only"}
"""Settings that change nothing in a transaction that has begun."""


def is_pooled(raw: psycopg.Connection[tuple[Any, ...]]) -> bool:
    """Returns whether statements reach another server process than the connection was told of."""
    found = raw.execute(SERVER_PROCESS).fetchone()
    return found is None or found[0] != raw.info.backend_pid


def settings_in(options: str) -> dict[str, str]:
    """Returns the settings in libpq's `options` that make sense within a transaction."""
    found = {name: re.sub(r"\\(.)", r"\1", value) for name, value in SETTING.findall(options)}
    return {name: value for name, value in found.items() if name not in ONLY_FOR_SESSIONS}


def statement_that_sets(settings: Mapping[str, str]) -> tuple[str, list[str]]:
    """Returns a statement with `?` for its parameters, and these: it sets until the transaction ends."""
    calls = ", ".join("set_config(?, ?, true)" for _ in settings)
    return f"SELECT {calls}", [text for pair in settings.items() for text in pair]


def query_that_sets(settings: Mapping[str, str]) -> Query:
    """Returns the same for a pipeline; its result begins with what tells one server from another."""
    numbers = range(1, 2 * len(settings), 2)
    calls = [f"set_config(${number}, ${number + 1}, true)" for number in numbers]
    columns = ", ".join(["extract(epoch FROM pg_postmaster_start_time())", *calls])
    return (
        Statement(b"astakos_settings", f"SELECT {columns}".encode()),
        [text.encode() for pair in settings.items() for text in pair],
    )
