"""All tables, gathered from the modules that define them; `storage/schema/migrations` has older revisions."""

from sqlalchemy import Index
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateSequence, CreateTable

# Each module adds its tables to `metadata`, including these, of which nothing else is needed.
from astakos.storage.schema.definition import (  # noqa: F401
    credentials,
    events,
    holdings,
    oauth2,
    projects,
    services,
    users,
)
from astakos.storage.schema.definition.commissions import commission_serials
from astakos.storage.schema.definition.installation import alembic_version
from astakos.storage.schema.definition.parts import metadata

__all__ = ["creation_statements", "index_statement", "metadata"]

DIALECTS = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


def creation_statements(dialect: str) -> list[str]:
    """Returns the statements that create all tables and indexes in an empty database."""
    language = DIALECTS[dialect]()
    statements = []
    if language.supports_sequences:
        statements.append(str(CreateSequence(commission_serials).compile(dialect=language)))
    for table in (*metadata.sorted_tables, alembic_version):
        statements.append(str(CreateTable(table).compile(dialect=language)))
        statements += [index_statement(index, dialect) for index in sorted(table.indexes, key=str)]
    return statements


def index_statement(index: Index, dialect: str) -> str:
    """Returns the statement that creates an index."""
    return str(CreateIndex(index).compile(dialect=DIALECTS[dialect]()))
