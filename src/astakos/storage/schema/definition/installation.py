"""Tables about the installation as a whole: its settings, and the revision of its tables."""

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, String, Table

from astakos.storage.schema.definition.parts import table, text

settings = table("settings", text("name", primary_key=True), text("value"))

# Alembic's own table. It is created with the others, so that a new database starts at the newest revision.
alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
