"""Moving an installation: all that its tables hold into an archive, and from there into a new database."""

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
"""Is told how many rows are done, of how many."""


def write_archive(database: Database, stream: IO[bytes], now: int, report: Report) -> Header:
    """Write all that a database holds at one moment, while others may go on working on it.

    Raises:
        StorageUnavailableError: it can not be read now.
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
    """An archive whose first line has been read, for `load_archive`.

    Raises:
        StateError: it can not be loaded by this version.
    """
    archive = ArchiveReader(first_line, stream, name)
    _require_same_tables(archive.header, name)
    return archive


def load_archive(database: Database, archive: ArchiveReader, report: Report) -> None:
    """Put all that an archive holds into a new database, in one transaction: all of it or nothing.

    Raises:
        StateError: the archive is not whole, or the database is not a new one.
        StorageUnavailableError: it can not be stored now.
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
            f"{name} holds revision {header.revision} of the tables, but this version works with revision "
            f"{REVISION}; load it with the version that wrote it, run `astakos migrate` of this one, "
            "and dump it again"
        )
    if header.revision > REVISION:
        raise StateError(
            f"{name} holds revision {header.revision} of the tables, but this version works with revision "
            f"{REVISION}; use the version that wrote it"
        )
    if [(part.name, tuple(part.columns)) for part in header.tables] != [
        (table.name, table.columns) for table in whole_tables()
    ]:
        raise StateError(f"{name} does not hold the tables of revision {REVISION}")


def _require_new(connection: Connection, name: str, tables: Iterable[WholeTable]) -> None:
    for table in tables:
        if not table.is_empty(connection):
            raise StateError(
                f"{name} is in use already: there are {table.name.replace('_', ' ')} in it; "
                "load an archive into a new database"
            )
