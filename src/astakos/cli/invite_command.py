"""`astakos user invite`: a link with which a user sets a password."""

from uuid import uuid4

import click

from astakos import clock
from astakos.administration.accounts import find_user, find_user_if_any
from astakos.administration.password_links import invite_by_mail, make_link
from astakos.administration.state_document import StateDocument, StateError, UserEntry
from astakos.cli.built_documents import apply
from astakos.cli.durations import Duration
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts
from astakos.cli.shown_values import Moment
from astakos.cli.web_urls import WEB_URL
from astakos.clock import MICROSECONDS
from astakos.directory.mail_addresses import is_mail_address
from astakos.directory.password_links import LONGEST_INVITATION, link_address
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings


@click.command()
@click.argument("name")
@click.option("--first-name", default="", help="The first name of a new user.")
@click.option("--last-name", default="", help="The last name of a new user.")
@click.option(
    "--valid-for",
    type=Duration(LONGEST_INVITATION, MICROSECONDS),
    default="7d",
    show_default=True,
    help="How long the link is valid.",
)
@click.option("--mail", "by_mail", is_flag=True, help="Let the service mail the link, and do not show it.")
@click.option(
    "--base-url",
    type=WEB_URL,
    envvar="ASTAKOS_BASE_URL",
    show_envvar=True,
    help="The URL of the service.  [default: the setting base_url]",
)
@database_option
@json_option
def invite(
    name: str,
    first_name: str,
    last_name: str,
    valid_for: int,
    by_mail: bool,
    base_url: str | None,
    database_url: str,
    as_json: bool,
) -> None:
    """Make a link with which the user NAME sets a password and logs in.

    It works once, and ends after a while. An email address that nobody has yet becomes an active user with
    the default quotas. For a user who has a password, the link is a way to a new one: the old one is valid
    until they use the link, which then ends their tokens, logins and keys.
    """
    database, now = open_database(database_url), clock.now()
    reader = database.reader()
    address = base_url or settings.find(reader, settings.BASE_URL)
    if address is None and not by_mail:
        raise StateError(
            "say where the service is: --base-url URL, ASTAKOS_BASE_URL, "
            "or `astakos setting set base_url URL`"
        )
    if find_user_if_any(reader, name) is None and is_mail_address(name):
        entry = UserEntry(uuid=str(uuid4()), email=name, first_name=first_name, last_name=last_name)
        apply(database, StateDocument(users=[entry]))
    expires = now + valid_for

    def change(connection: Connection) -> tuple[str, str | None]:
        user = find_user(connection, name)
        if by_mail:
            invite_by_mail(connection, OPERATOR, user, expires, now)
            return user.email, None
        return user.email, make_link(connection, OPERATOR, user, expires, now)

    email, secret = database.change(change)
    facts: dict[str, object] = {"email": email}
    if secret is not None:
        facts["link"] = link_address(str(address).rstrip("/"), secret)
    print_facts(facts | {"expires": Moment(expires)}, as_json=as_json)
    if by_mail and not as_json:
        click.echo("The service mails the link if it has a mail server (`astakos serve --mail-server`).")
