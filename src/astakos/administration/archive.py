"""Moves an installation: writes all its tables to an archive, and loads an archive into a new database."""

from collections.abc import Callable, Iterable
from typing import IO

from astakos.administration.archive_format import ArchiveReader, ArchiveWriter, Header, TablePart
from astakos.administration.state_document import StateError
from astakos.clock import to_iso
from astakos.storage.errors import RowsRefusedError
from astakos.storage.opening import transfer_of
from astakos.storage.protocol import Connection, Database
from astakos.storage.schema.revisions import REVISION
from astakos.storage.schema.whole_tables import WholeTable, whole_tables

Report = Callable[[int, int], None]
"""Called with the number of rows processed so far and the total number."""


def write_archive(database: Database, stream: IO[bytes], now: int, report: Report) -> Header:
    """Write a snapshot of a database to an archive; others can keep using the database.

    Raises:
        StorageUnavailableError: the database cannot be read now.
    """
    tables = whole_tables()
    with transfer_of(database).reading() as source:
        parts = [
            TablePart(table.name, list(table.columns), table.count(source.connection)) for table in tables
        ]
        header = Header(revision=REVISION, time=to_iso(now), last_serial=source.last_serial(), tables=parts)
        writer = ArchiveWriter(stream, header)
        done = 0
        report(done, header.rows)
        for table in tables:
            for rows in table.pages(source.connection):
                writer.add(table.name, rows)
                done += len(rows)
                report(done, header.rows)
        writer.finish()
    return header


def open_archive(first_line: bytes, stream: IO[bytes], name: str) -> ArchiveReader:
    """Open an archive for `load_archive`; `stream` continues after `first_line`.

    Raises:
        StateError: this version cannot load the archive.
    """
    archive = ArchiveReader(first_line, stream, name)
    _require_same_tables(archive.header, name)
    return archive


def load_archive(database: Database, archive: ArchiveReader, report: Report) -> None:
    """Load an archive into a new database, in one transaction.

    Raises:
        StateError: the archive is damaged or truncated, or the database is not new; nothing has changed.
        StorageUnavailableError: the database cannot be written now.
    """
    header = archive.header
    tables = {table.name: table for table in whole_tables()}
    transfer = transfer_of(database)
    with transfer.reading() as source:
        _require_new(source.connection, database.name, tables.values())
    with transfer.filling() as filled:
        _require_new(filled.connection, database.name, tables.values())
        done = 0
        report(done, header.rows)
        try:
            for name, rows in archive.batches({table.name: table.row_type for table in tables.values()}):
                filled.insert(tables[name], rows)
                done += len(rows)
                report(done, header.rows)
        except RowsRefusedError as error:
            raise StateError(str(error)) from error
        filled.continue_behind(header.last_serial)


def _require_same_tables(header: Header, name: str) -> None:
    if header.revision < REVISION:
        raise StateError(
            f"{name} has revision {header.revision} of the tables, but this version requires revision "
            f"{REVISION}; load it with the version that wrote it, run `astakos migrate` of this version, "
            "and dump it again"
        )
    if header.revision > REVISION:
        raise StateError(
            f"{name} has revision {header.revision} of the tables, but this version requires revision "
            f"{REVISION}; use the version that wrote it"
        )
    if [(part.name, tuple(part.columns)) for part in header.tables] != [
        (table.name, table.columns) for table in whole_tables()
    ]:
        raise StateError(f"{name} is damaged: it does not have the tables of revision {REVISION}")


def _require_new(connection: Connection, name: str, tables: Iterable[WholeTable]) -> None:
    for table in tables:
        if not table.is_empty(connection):
            raise StateError(
                f"{name} is already in use: it contains {table.name.replace('_', ' ')}; "
                "load an archive into a new database"
            )
