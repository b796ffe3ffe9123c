"""Lets SQLite examine the pages of a file, and the rows that refer to others."""

from collections.abc import Iterator

from astakos.storage.protocol import Connection

MOST = 20
"""How many contradictions are looked for."""
CHECK_PAGES = f"PRAGMA integrity_check({MOST})"
INTACT = "ok"
CHECK_REFERENCES = (
    f'SELECT "table", "parent", count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 LIMIT {MOST}'
)


def damages(connection: Connection) -> Iterator[str]:
    """Yields what is damaged, in SQLite's words."""
    yield from (str(text) for (text,) in connection.execute(CHECK_PAGES).fetchall() if text != INTACT)


def broken_references(connection: Connection) -> Iterator[tuple[str, str, int]]:
    """Yields tables with rows that refer to missing rows of another table, that table, and how many rows."""
    yield from connection.execute(CHECK_REFERENCES).fetchall()
