"""`astakos user list`, `show`, `token` and `password`: accounts and what proves who users are."""

import sys
from collections.abc import Iterator
from typing import Any

import click

from astakos import clock
from astakos.administration.accounts import find_user, hash_new_password, renew_user_token, set_password
from astakos.administration.administrators import is_administrator
from astakos.administration.state_document import StateError
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts, print_rows, table_options, token_only_option
from astakos.cli.shown_values import moment
from astakos.counted_nouns import counted
from astakos.directory.account_states import AccountState, state_of
from astakos.directory.entities import User
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys, sessions, user_records, users
from astakos.storage.tables.user_search import find_users

AT_A_TIME = 1000
"""How many users are read at a time."""


@click.command("list")
@click.option("--search", default="", help="Only users with this in their address or name, or this uuid.")
@click.option("--state", type=click.Choice([state.value for state in AccountState]), help="Only these users.")
@database_option
@table_options
def list_(search: str, state: str | None, database_url: str, as_json: bool, wide: bool) -> None:
    """List users: all, or those that are searched for."""
    reader = open_database(database_url).reader()
    rows = [_facts(user) for user in _found(reader, search, None if state is None else AccountState(state))]
    columns = ("email", "uuid", "name", "is_active", "token_expires")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("name", "token_expires", "is_active"))


def _found(reader: Connection, search: str, state: AccountState | None) -> Iterator[User]:
    after: int | None = 0
    while after is not None:
        page = find_users(reader, search=search, state=state, after=after, most=AT_A_TIME)
        yield from page.users
        after = page.end


@click.command()
@click.argument("name")
@database_option
@json_option
def show(name: str, database_url: str, as_json: bool) -> None:
    """Show the user NAME (an email address or uuid)."""
    reader = open_database(database_url).reader()
    user = find_user(reader, name)
    record = user_records.find(reader, user.id)
    facts = {
        "state": state_of(user).value,
        "groups": list(users.names_of_groups(reader, user.id)),
        "is_administrator": is_administrator(reader, user),
        "date_joined": moment(record.date_joined),
        "moderated_at": moment(record.moderated_at),
        "deactivated_reason": record.deactivated_reason or None,
        "rejected_reason": record.rejected_reason or None,
        "sessions": len(sessions.list_of_user(reader, user.id, clock.now())),
        "keys": api_keys.count_valid(reader, user.id, clock.now()),
    }
    print_facts(_facts(user) | facts, as_json=as_json)


@click.command()
@click.argument("name")
@database_option
@json_option
@token_only_option
def token(name: str, database_url: str, as_json: bool, token_only: bool) -> None:
    """Replace the token of the user NAME, and print the new one, which is not shown again.

    The user is logged out everywhere, and all their other tokens end.
    """
    print_new_token(database_url, name, as_json=as_json, token_only=token_only)


@click.command()
@click.argument("name")
@click.option(
    "--keep-tokens",
    is_flag=True,
    help="End neither the user's tokens nor their logins. Only if nobody else can have known the password.",
)
@click.option(
    "--keep-keys/--end-keys",
    default=None,
    help="Whether the user's keys stay.  [default: they end; a terminal asks]",
)
@database_option
def password(name: str, keep_tokens: bool, keep_keys: bool | None, database_url: str) -> None:
    """Set the password of the user NAME.

    Prompts for the password twice, or reads the first line of standard input if it is not a terminal. The
    user is logged out everywhere, and all their tokens and keys end, because somebody else may have known the
    old password. Give the user a new token with `astakos user token`.
    """
    database = open_database(database_url)
    user = find_user(database.reader(), name)
    hashed = hash_new_password(_typed_password())
    keys = api_keys.count_of_user(database.reader(), user.uuid)
    stay = _keys_stay(keys) if keep_keys is None else keep_keys
    database.change(
        lambda connection: set_password(
            connection,
            OPERATOR,
            find_user(connection, name),
            hashed,
            clock.now(),
            keep_tokens=keep_tokens,
            keep_keys=stay,
        )
    )
    kept = "Their tokens are still valid." if keep_tokens else "All their tokens have ended."
    if keys:
        kept += " Their keys are still valid." if stay else " So have their keys."
    click.echo(f"{name} has a new password. {kept}")


def _keys_stay(count: int) -> bool:
    """Asks whether the keys of a user stay, if they have some and somebody can answer."""
    if not count or not sys.stdin.isatty():
        return False
    return click.confirm(
        f"The user has {counted(count, 'key', 'keys')}. Keep {'it' if count == 1 else 'them'}?", default=False
    )


def _typed_password() -> str:
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    # In UTF-8 whatever the locale, like passwords that are sent over HTTP.
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise StateError("the password on standard input is not in UTF-8") from None


def print_new_token(database_url: str, name: str, *, as_json: bool, token_only: bool) -> None:
    """Replaces the token of a user, and prints the new one."""

    def renew(connection: Connection) -> tuple[User, str]:
        secret = renew_user_token(connection, OPERATOR, find_user(connection, name), clock.now())
        return find_user(connection, name), secret

    user, secret = open_database(database_url).change(renew)
    if token_only:
        click.echo(secret)
        return
    facts = {
        "email": user.email,
        "uuid": user.uuid,
        "token": secret,
        "token_expires": moment(user.token_expires),
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
        "token_created": moment(user.token_created),
        "token_expires": moment(user.token_expires),
    }
