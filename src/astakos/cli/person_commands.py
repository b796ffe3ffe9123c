"""`astakos user export` and `delete`: what is known of a person, and how they are erased."""

import sys
from pathlib import Path

import click
import msgspec

from astakos import clock
from astakos.administration.accounts import find_user
from astakos.administration.erasure import ErasurePreview, erase_user, preview_erasure
from astakos.administration.person_export import export_person, note_export
from astakos.administration.state_document import StateError
from astakos.cli.acting import reason_option
from astakos.cli.files import FileName, writing
from astakos.cli.options import database_option, open_database
from astakos.cli.quantities import shown
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry


@click.command()
@click.argument("name")
@click.argument("file", type=FileName(allow_dash=True), default="-")
@database_option
def export(name: str, file: Path, database_url: str) -> None:
    """Write all that is known of the user NAME to a new FILE or to standard output, as JSON.

    Account, memberships, quotas, periods, history, keys, sessions, messages, and the audit log's events about
    and by the user; no passwords, tokens and keys. Events and history are bounded to the newest 100,000;
    `incomplete` names what was cut.
    """
    database, now = open_database(database_url), clock.now()
    with database.snapshot() as connection:
        user = find_user(connection, name)
        document = export_person(connection, user, now)
    database.change(lambda connection: note_export(connection, OPERATOR, user, now))
    with writing(file) as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        stream.flush()


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@reason_option
@database_option
def delete(name: str, yes: bool, reason: str, database_url: str) -> None:
    """Erase the user NAME for good: this cannot be undone.

    First says what is deleted, and what stays without the name because the ledger's sums consist of it. To
    only stop somebody, run `astakos user deactivate`.
    """
    database, now = open_database(database_url), clock.now()
    reader = database.reader()
    user = find_user(reader, name)
    if not yes:
        _show(user.email, preview_erasure(reader, user), registry.scales(reader))
        if not sys.stdin.isatty():
            raise StateError("nobody can confirm this here; give --yes")
        click.confirm("Erase this user for good?", abort=True)

    def change(connection: Connection) -> None:
        erase_user(connection, OPERATOR, find_user(connection, user.uuid), reason, now)

    database.change(change)
    click.echo(f"Erased {user.uuid}.")


def _show(email: str, preview: ErasurePreview, scales: dict[str, int]) -> None:
    for title, words in ((f"Of {email}, this deletes:", preview.deleted), ("This stays:", preview.kept)):
        click.echo("\n".join([title, *(f"  - {text}" for text in words)]))
    if preview.held:
        used = ", ".join(
            f"{shown(usage, scales.get(name, 0))} {name}" for name, usage in preview.held.items()
        )
        click.echo(f"They still use {used}. It stays counted: let the services release it first.")
