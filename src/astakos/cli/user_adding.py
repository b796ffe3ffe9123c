"""`astakos user add`: one user, or all those in a CSV file."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from astakos import clock
from astakos.administration.accounts import find_user, renew_user_token
from astakos.administration.document_places import PlacedError
from astakos.administration.state_document import StateDocument, StateError, UserEntry
from astakos.cli.built_documents import apply
from astakos.cli.files import FileName
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_rows, token_only_option
from astakos.cli.people_file import Person, read_people, wrong_lines
from astakos.cli.shown_values import moment
from astakos.cli.user_commands import print_new_token
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection
from astakos.storage.tables import users


@click.command()
@click.argument("email", required=False)
@click.option("--first-name", default="", help="The user's first name.")
@click.option("--last-name", default="", help="The user's last name.")
@click.option(
    "--group", "groups", multiple=True, help="A group of the user; the API calls it a role. Repeatable."
)
@click.option(
    "--from",
    "file",
    type=FileName(allow_dash=True),
    metavar="FILE",
    help="Add everybody in a CSV file instead, whose first line names the columns: email, first-name, "
    "last-name, group. Nobody is added if a line is wrong. - is standard input.",
)
@click.option("--tokens", is_flag=True, help="With --from: make a token for each, and print them.")
@database_option
@json_option
@token_only_option
def add(
    email: str | None,
    first_name: str,
    last_name: str,
    groups: tuple[str, ...],
    file: Path | None,
    tokens: bool,
    database_url: str,
    as_json: bool,
    token_only: bool,
) -> None:
    """Add an active user with default quotas, and print their token, which is not shown again.

    With --from, add everybody in a file, in one transaction. They get no tokens unless --tokens is given:
    `astakos user invite` makes a link with which a user sets a password.
    """
    if file is not None:
        if email is not None or first_name or last_name or groups or token_only:
            raise click.UsageError(
                "--from takes everything from its file; give only --tokens and --json besides."
            )
        _add_from(file, database_url, with_tokens=tokens, as_json=as_json)
        return
    if email is None:
        raise click.UsageError("Give the email address of the user, or --from FILE.")
    if tokens:
        raise click.UsageError("--tokens is about --from; the token of one user is always printed.")
    database = open_database(database_url)
    if users.find_by_username(database.reader(), email) is not None:
        raise StateError(f"the user {email!r} already exists; for a new token, run `astakos user token`")
    uuid = str(uuid4())
    entry = UserEntry(uuid=uuid, email=email, first_name=first_name, last_name=last_name, groups=list(groups))
    apply(database, StateDocument(users=[entry]))
    print_new_token(database_url, uuid, as_json=as_json, token_only=token_only)


def _add_from(file: Path, database_url: str, *, with_tokens: bool, as_json: bool) -> None:
    # Half as long again: commands that only show something start without it.
    from astakos.administration.load import load_within  # noqa: PLC0415

    people = read_people(file)
    entries = [_entry(person) for person in people]
    now = clock.now()

    def change(connection: Connection) -> list[dict[str, Any]]:
        known = [one for one in people if users.find_by_username(connection, one.email) is not None]
        if known:
            wrong = [
                f"line {one.line}: the user {one.email!r} already exists; leave the line out" for one in known
            ]
            raise wrong_lines(file, wrong)
        try:
            load_within(connection, StateDocument(users=entries), now, OPERATOR)
        except PlacedError as error:
            raise StateError(error.words) from error
        return [_made(connection, entry, now, with_token=with_tokens) for entry in entries]

    made = open_database(database_url).change(change)
    columns = ("email", "uuid", "token", "token_expires") if with_tokens else ("email", "uuid")
    print_rows(made, columns, as_json=as_json, wide=True)


def _entry(person: Person) -> UserEntry:
    return UserEntry(
        uuid=str(uuid4()),
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        groups=person.groups,
    )


def _made(connection: Connection, entry: UserEntry, now: int, *, with_token: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"email": entry.email, "uuid": entry.uuid}
    if with_token:
        facts["token"] = renew_user_token(connection, OPERATOR, find_user(connection, entry.uuid), now)
        facts["token_expires"] = moment(find_user(connection, entry.uuid).token_expires)
    return facts
