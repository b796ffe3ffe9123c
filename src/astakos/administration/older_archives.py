"""Brings archives of older versions up to date: in a temporary SQLite file, which is migrated."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from astakos.administration.archive_format import ArchiveReader, Report
from astakos.administration.state_document import StateError
from astakos.storage.errors import RowsRefusedError
from astakos.storage.opening import transfer_of
from astakos.storage.protocol import Database
from astakos.storage.schema.older_tables import is_revision, make_older_tables, migrate_rows
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase


@contextlib.contextmanager
def up_to_date(archive: ArchiveReader, report: Report) -> Iterator[Database]:
    """Yields a database of this version's revision with the contents of an older archive.

    It is a file in a folder that only this user can read, and that is gone with the context. `TMPDIR` says
    where there is room for it.

    Args:
        archive: the archive.
        report: called with the number of rows read so far and their total number.

    Raises:
        StateError: the archive is damaged or truncated.
        StorageUnavailableError: there is no room for the file.
    """
    if not is_revision(archive.header.revision):
        raise StateError(f"{archive.name} is damaged: there is no revision {archive.header.revision!r}")
    with tempfile.TemporaryDirectory(prefix="astakos-archive-") as folder:
        database = SQLiteDatabase(f"sqlite:///{Path(folder, 'archive.db')}")
        try:
            fill(database, archive, report)
            migrate_rows(database)
        except RowsRefusedError as error:
            raise StateError(f"{archive.name} is damaged: {error}") from error
        database.open(create=False)
        with contextlib.closing(database):
            yield database


def fill(database: Database, archive: ArchiveReader, report: Report) -> None:
    """Makes the tables of an archive's revision in an empty database, and fills them.

    Raises:
        StateError: the archive does not have the tables of its revision, or is truncated.
        RowsRefusedError: its rows contradict each other.
        StorageUnavailableError: the database cannot be written now.
    """
    header = archive.header
    columns = {part.name: part.columns for part in header.tables}
    tables = make_older_tables(database, header.revision, columns)
    if tables.keys() != columns.keys():
        raise StateError(
            f"{archive.name} is damaged: it does not have the tables of revision {header.revision}"
        )
    done = 0
    report(done, header.rows)
    with transfer_of(database).filling() as filled:
        for name, rows in archive.batches({table.name: table.row_type for table in tables.values()}):
            filled.insert(tables[name], rows)
            done += len(rows)
            report(done, header.rows)
        filled.continue_behind(header.last_serial)
