"""Keeps an archive of this version for the tests of all later ones, with rows in every table.

    $ PYTHONPATH=src:tests:. python -m tools.keep_archive

Run it when a version is released whose tables are new. Later versions must be able to load the archive, and
to migrate a database with its tables (`tests/upgrades/test_kept_archives.py`).
"""

import sys
import tempfile
from pathlib import Path

from astakos.administration.load import load
from astakos.storage.schema.revisions import REVISION
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.administration.test_archive import archived, live
from service.world import LOADED, world

KEPT = Path(__file__).parents[1] / "tests" / "upgrades" / "kept"


def main() -> None:
    """Make the archive, unless that of this revision is kept already."""
    path = KEPT / f"{REVISION}.archive"
    if path.exists():
        sys.exit(f"{path.name} is kept already; what was released does not change")
    with tempfile.TemporaryDirectory() as folder:
        database = SQLiteDatabase(f"sqlite:///{folder}/astakos.db")
        database.open()
        load(database, world(), LOADED)
        live(database)
        path.write_bytes(archived(database))
        database.close()
    print(f"Kept {path.name}.")


if __name__ == "__main__":
    main()
