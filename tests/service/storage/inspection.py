"""What a database is made of, in a form that can be compared."""

from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.installation import rows

Structure = dict[str, list[tuple[object, ...]]]

COLUMNS = """
SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default, is_identity
FROM information_schema.columns WHERE table_schema = current_schema()
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = current_schema()::regnamespace
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
OPTIONS = """
SELECT relname, reloptions::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace
"""
DEFINITIONS = "SELECT tbl_name, type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"


def structure(database: Database) -> Structure:
    """Tables with their columns, constraints, indexes and storage options."""
    if isinstance(database, SQLiteDatabase):
        # Alembic writes the same statements with other white space.
        found = [(*names, "".join(str(text).split())) for *names, text in rows(database, DEFINITIONS)]
        return {"definitions": sorted(found)}
    return {
        "columns": sorted(rows(database, COLUMNS)),
        "constraints": sorted(rows(database, CONSTRAINTS)),
        "indexes": sorted(rows(database, INDEXES)),
        "options": sorted(rows(database, OPTIONS), key=str),
    }
