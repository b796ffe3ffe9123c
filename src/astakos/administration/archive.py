"""Moves an installation: writes all its tables to an archive, and loads an archive into a new database."""

from typing import IO

from astakos.administration.archive_format import ArchiveReader, ArchiveWriter, Header, Report, TablePart
from astakos.administration.state_document import StateError
from astakos.clock import to_iso
from astakos.storage.errors import RowsRefusedError
from astakos.storage.opening import transfer_of
from astakos.storage.protocol import Connection, Database
from astakos.storage.schema.revisions import REVISION
from astakos.storage.schema.whole_tables import whole_tables
from astakos.storage.tables.nesting_faults import misplaced


def write_archive(database: Database, stream: IO[bytes], now: int, report: Report) -> Header:
    """Writes a snapshot of a database to an archive; others can keep using the database.

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
    """Opens an archive for `load_archive`; `stream` continues after `first_line`.

    Raises:
        StateError: this version cannot load the archive.
    """
    archive = ArchiveReader(first_line, stream, name)
    _require_known_tables(archive.header, name)
    return archive


def load_archive(database: Database, archive: ArchiveReader, report: Report) -> None:
    """Loads an archive into a new database, in one transaction.

    That of an older version is brought up to date first (`older_archives.py`).

    Raises:
        StateError: the archive is damaged or truncated, or the database is not new; nothing has changed.
        StorageUnavailableError: the database cannot be written now.
    """
    with transfer_of(database).reading() as source:
        _require_new(source.connection, database.name)
    if archive.header.revision == REVISION:
        _fill(database, archive, report)
        return
    from astakos.administration.older_archives import up_to_date  # noqa: PLC0415 - slow to import

    with up_to_date(archive, report) as newest:
        _copy(newest, database, archive)


def _fill(database: Database, archive: ArchiveReader, report: Report) -> None:
    header = archive.header
    tables = {table.name: table for table in whole_tables()}
    with transfer_of(database).filling() as filled:
        _require_new(filled.connection, database.name)
        done = 0
        report(done, header.rows)
        try:
            for name, rows in archive.batches({table.name: table.row_type for table in tables.values()}):
                filled.insert(tables[name], rows)
                done += len(rows)
                report(done, header.rows)
        except RowsRefusedError as error:
            raise StateError(str(error)) from error
        _require_places(filled.connection, archive.name)
        filled.continue_behind(header.last_serial)


def _copy(source: Database, target: Database, archive: ArchiveReader) -> None:
    with transfer_of(source).reading() as read, transfer_of(target).filling() as filled:
        _require_new(filled.connection, target.name)
        try:
            for table in whole_tables():
                for rows in table.pages(read.connection):
                    filled.insert(table, rows)
        except RowsRefusedError as error:
            raise StateError(str(error)) from error
        _require_places(filled.connection, archive.name)
        filled.continue_behind(archive.header.last_serial)


def _require_known_tables(header: Header, name: str) -> None:
    if header.revision > REVISION:
        raise StateError(
            f"{name} has revision {header.revision} of the tables, but this version requires revision "
            f"{REVISION}; use the version that wrote it"
        )
    if header.revision == REVISION and [(part.name, tuple(part.columns)) for part in header.tables] != [
        (table.name, table.columns) for table in whole_tables()
    ]:
        raise StateError(f"{name} is damaged: it does not have the tables of revision {REVISION}")


def _require_new(connection: Connection, name: str) -> None:
    for table in whole_tables():
        if not table.is_empty(connection):
            raise StateError(
                f"{name} is already in use: it contains {table.name.replace('_', ' ')}; "
                "load an archive into a new database"
            )


def _require_places(connection: Connection, name: str) -> None:
    """Refuses what the ledger would charge wrongly: it counts on all projects above another one."""
    for one in misplaced(connection):
        raise StateError(
            f"{name} is damaged: the project {one.project} {one.reason}; load an older archive, or correct "
            "the parent in the database and write another archive"
        )
