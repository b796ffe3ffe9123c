"""`astakos load` and `astakos dump`: state as a document."""

from pathlib import Path

import click

from astakos import clock
from astakos.cli.options import database_option, open_database


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@database_option
def load(file: Path, database_url: str) -> None:
    """Load declared state from a file.

    Makes the database hold what the JSON document FILE declares (- stands for standard input). All of it or
    nothing; loading it twice changes nothing. The form is described in docs/state.md.
    """
    from astakos.administration import document as documents  # noqa: PLC0415 - it is slow to import
    from astakos.administration.load import load as load_document  # noqa: PLC0415

    document = documents.read_document(Path("/dev/stdin") if str(file) == "-" else file)
    database = open_database(database_url, create=True)
    load_document(database, document, clock.now())
    counts = {
        "components": len(document.components),
        "services": len(document.services),
        "resources": len(document.resources),
        "users": len(document.users),
        "projects": len(document.projects),
    }
    click.echo(f"Loaded {', '.join(f'{count} {name}' for name, count in counts.items())}.")


@click.command()
@database_option
def dump(database_url: str) -> None:
    """Print the declared state.

    It is a JSON document that `load` takes; secrets stand in it only as hashes, usage not at all.
    """
    from astakos.administration import document as documents  # noqa: PLC0415 - it is slow to import
    from astakos.administration.dump import dump as dump_document  # noqa: PLC0415

    document = dump_document(open_database(database_url))
    click.echo(documents.write_document(document), nl=False)
