"""Finds out what can still be exported from a damaged database, by trying it."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from astakos.administration.archive import write_archive
from astakos.administration.dump import dump
from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.protocol import Database


def working_exports(database: Database) -> list[str]:
    """Returns the commands that can still read everything that they export."""
    return [command for command, export in EXPORTS.items() if _works(export, database)]


def _works(export: Callable[[Database], object], database: Database) -> bool:
    try:
        export(database)
    except (StorageUnavailableError, ValueError):
        # ValueError: a page can be damaged such that it still is a page, with values that mean nothing.
        return False
    return True


def _archive(database: Database) -> None:
    with Path(os.devnull).open("wb") as nowhere:
        write_archive(database, nowhere, 0, lambda _done, _rows: None)


EXPORTS: Mapping[str, Callable[[Database], object]] = {
    "astakos dump": dump,
    "astakos dump --archive": _archive,
}
