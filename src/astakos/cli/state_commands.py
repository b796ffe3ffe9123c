"""`astakos load` and `astakos dump`: read and write state documents and archives."""

import os
import stat
from pathlib import Path
from typing import IO

import click

from astakos import clock
from astakos.cli.files import FileName, reading, writing
from astakos.cli.options import database_option, database_to_load, open_database
from astakos.cli.progress import progress_bar
from astakos.counted_nouns import counted
from astakos.storage.protocol import Database

LONGEST_HEADER = 2**16
PARTS = {
    "components": "components",
    "services": "services",
    "resources": "resources",
    "users": "users",
    "projects": "projects",
    "grants": "grants",
    "keys": "keys",
    "oauth2_clients": "OAuth2 clients",
    "oauth2_tokens": "OAuth2 tokens",
}
"""What `load` counts, in these words."""


@click.command()
@click.argument("file", type=FileName(allow_dash=True))
@database_option
def load(file: Path, database_url: str) -> None:
    """Load a state document or an archive from FILE.

    A state document is JSON; the command creates or updates everything that it declares, and loading it again
    changes nothing. An archive, written by `dump --archive`, is loaded into a new database. Either way, if
    anything fails, nothing changes. FILE can be - for standard input. docs/state.md describes both formats.
    """
    from astakos.administration.archive_format import is_archive  # noqa: PLC0415 - slow to import

    with reading(file) as (stream, name):
        first_line = stream.readline(LONGEST_HEADER)
        if is_archive(first_line):
            _load_archive(first_line, stream, name, database_url)
        else:
            _load_document(first_line + stream.read(), name, database_url)


def _load_archive(first_line: bytes, stream: IO[bytes], name: str, database_url: str) -> None:
    from astakos.administration.archive import load_archive, open_archive  # noqa: PLC0415

    archive = open_archive(first_line, stream, name)
    with database_to_load(database_url) as database, progress_bar("Loading rows") as report:
        load_archive(database, archive, report)
    click.echo(f"Loaded {counted(archive.header.rows, 'row', 'rows')}.")


def _load_document(content: bytes, name: str, database_url: str) -> None:
    from astakos.administration import state_document as documents  # noqa: PLC0415
    from astakos.administration.load import load as load_document  # noqa: PLC0415

    document = documents.read_document(content, name)
    with database_to_load(database_url) as database:
        load_document(database, document, clock.now())
    loaded = (
        ["settings"] if document.base_url is not None or document.settings != documents.Settings() else []
    )
    for part, words in PARTS.items():
        count = len(getattr(document, part))
        if count:
            loaded.append(f"{count} {words.removesuffix('s') if count == 1 else words}")
    click.echo(f"Loaded {', '.join(loaded)}." if loaded else "The document declares nothing.")


@click.command()
@click.argument("file", type=FileName(allow_dash=True), default="-")
@click.option(
    "--archive",
    "as_archive",
    is_flag=True,
    help="Write an archive of everything, to move to another database.",
)
@database_option
def dump(file: Path, database_url: str, as_archive: bool) -> None:
    """Write the declared state, or everything, to a new FILE.

    By default, writes a JSON document that `load` accepts, with secrets as hashes and without usage. With
    --archive, writes the contents of all tables instead, including usage and commissions. Without FILE,
    writes to standard output. To move an installation:

    \b
      astakos dump --archive --database URL | astakos load - --database NEW_URL
    """
    database = open_database(database_url)
    with writing(file) as stream:
        if as_archive:
            _dump_archive(database, stream)
        else:
            _dump_document(database, stream)


def _dump_archive(database: Database, stream: IO[bytes]) -> None:
    from astakos.administration.archive import write_archive  # noqa: PLC0415 - slow to import

    with progress_bar("Dumping rows", visible=not _is_pipe(stream)) as report:
        write_archive(database, stream, clock.now(), report)


def _is_pipe(stream: IO[bytes]) -> bool:
    """Whether the output goes to another command, which may show its own progress bar."""
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except OSError:
        return False


def _dump_document(database: Database, stream: IO[bytes]) -> None:
    from astakos.administration import state_document as documents  # noqa: PLC0415 - slow to import
    from astakos.administration.dump import dump as dump_document  # noqa: PLC0415

    stream.write(documents.write_document(dump_document(database)))
    stream.flush()
