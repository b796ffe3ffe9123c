"""`astakos user`: accounts and their tokens."""

import sys
from typing import Any
from uuid import uuid4

import click

from astakos import clock
from astakos.administration.accounts import find_user, hash_new_password, renew_user_token, set_password
from astakos.administration.load import load
from astakos.administration.state_document import StateDocument, StateError, UserEntry
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts, print_rows
from astakos.clock import to_iso
from astakos.directory.entities import User
from astakos.storage.protocol import Connection
from astakos.storage.tables import users


@click.group()
def user() -> None:
    """Add and list users, give them tokens and passwords."""


@user.command()
@click.argument("email")
@click.option("--first-name", default="", help="As people write it.")
@click.option("--last-name", default="", help="As people write it.")
@click.option("--group", "groups", multiple=True, help="A group, which the API calls a role. Repeatable.")
@database_option
@json_option
def add(
    email: str, first_name: str, last_name: str, groups: tuple[str, ...], database_url: str, as_json: bool
) -> None:
    """Add an active user with default quotas, and print their token. It is shown only now."""
    database = open_database(database_url, create=True)
    if users.find_by_username(database.reader(), email) is not None:
        raise StateError(f"there is a user {email!r} already; `astakos user token` gives them a new token")
    uuid = str(uuid4())
    entry = UserEntry(uuid=uuid, email=email, first_name=first_name, last_name=last_name, groups=list(groups))
    load(database, StateDocument(users=[entry]), clock.now())
    _renew_token(database_url, uuid, as_json=as_json)


@user.command("list")
@database_option
@json_option
def list_(database_url: str, as_json: bool) -> None:
    """List all users."""
    database = open_database(database_url)
    rows = [_facts(user) for user in users.list_users(database.reader())]
    print_rows(rows, ("email", "uuid", "name", "is_active", "token_expires"), as_json=as_json)


@user.command()
@click.argument("name")
@database_option
@json_option
def show(name: str, database_url: str, as_json: bool) -> None:
    """Show the user of the mail address or uuid NAME."""
    reader = open_database(database_url).reader()
    user = find_user(reader, name)
    groups = [group.name for group in users.groups_of(reader, user.id)]
    print_facts(_facts(user) | {"groups": groups}, as_json=as_json)


@user.command()
@click.argument("name")
@database_option
@json_option
def token(name: str, database_url: str, as_json: bool) -> None:
    """Give the user NAME a new token and print it. It is shown only now; the old one ceases to work."""
    _renew_token(database_url, name, as_json=as_json)


@user.command()
@click.argument("name")
@database_option
def password(name: str, database_url: str) -> None:
    """Give the user NAME the password that is typed twice, or that is the first line of the input.

    Who has logged in with the old one, on pages or in programs, has to log in again.
    """
    database = open_database(database_url)
    find_user(database.reader(), name)
    hashed = hash_new_password(_typed_password())
    database.change(lambda connection: set_password(connection, find_user(connection, name), hashed))
    click.echo(f"{name} has a new password.")


def _typed_password() -> str:
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


def _renew_token(database_url: str, name: str, *, as_json: bool) -> None:
    def renew(connection: Connection) -> tuple[User, str]:
        secret = renew_user_token(connection, find_user(connection, name), clock.now())
        return find_user(connection, name), secret

    user, secret = open_database(database_url).change(renew)
    facts = {
        "email": user.email,
        "uuid": user.uuid,
        "token": secret,
        "token_expires": _time(user.token_expires),
    }
    print_facts(facts, as_json=as_json)


def _facts(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "uuid": user.uuid,
        "name": user.name.strip(),
        "is_active": user.is_active,
        "email_verified": user.email_verified,
        "moderated": user.moderated,
        "is_rejected": user.is_rejected,
        "has_signed_terms": user.has_signed_terms,
        "default_project": user.default_project,
        "token_created": _time(user.token_created),
        "token_expires": _time(user.token_expires),
    }


def _time(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)
