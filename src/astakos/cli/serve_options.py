"""Checks what `astakos serve` is told, and what the settings say in its place, before anything runs."""

import logging
from pathlib import Path

import click
from click.core import ParameterSource

from astakos.administration.state_document import StateError
from astakos.administration.webhooks import require_key
from astakos.deliveries.key_file import KeyFileError, read_key
from astakos.deliveries.mail import Mailer
from astakos.deliveries.templates import MailTemplate, TemplateError, load_templates
from astakos.directory.mail_addresses import EXAMPLE, is_mail_address
from astakos.directory.redirects import refuse_base_url
from astakos.directory.setting_hints import how_to_set
from astakos.directory.trusted_proxies import THIS_MACHINE, TrustedProxies
from astakos.storage.protocol import Database
from astakos.storage.tables import destinations, settings

log = logging.getLogger("astakos.http")


def require_addresses(
    base_url: str | None, mail_server: str | None, mail_sender: str | None, proxies: tuple[str, ...]
) -> None:
    """Checks what can be checked of given addresses before a database is opened.

    Raises:
        StateError: one of them cannot be used; the message says which, and why.
    """
    if base_url is not None:
        require_base_url(base_url)
    if mail_server:
        mail_server_at(mail_server)
    if mail_sender and not (is_mail_address(mail_sender) and mail_sender.isascii()):
        raise StateError(f"{given_as('mail_sender')} must be an email address like {EXAMPLE}")
    require_proxies(proxies, given_as("trusted_proxies"))


def base_url_of(database: Database, given: str | None, address: str) -> str:
    """Returns the base URL: as given, as the settings say, or else the address at which the service listens.

    Raises:
        StateError: it cannot be one.
    """
    url: str = (given or settings.find(database.reader(), settings.BASE_URL) or address).rstrip("/")
    require_base_url(url)
    return url


def require_base_url(url: str) -> None:
    """Checks a base URL.

    Raises:
        StateError: it cannot be one; the message says why.
    """
    refusal = refuse_base_url(url)
    if refusal:
        raise StateError(f"the base URL is invalid: {refusal}")


def proxies_of(database: Database, given: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the networks of trusted proxies: as given, as the settings say, or else this machine.

    Raises:
        StateError: one of them is none.
    """
    if given:
        require_proxies(given, given_as("trusted_proxies"))
        return given
    networks = tuple(settings.find(database.reader(), settings.TRUSTED_PROXIES, THIS_MACHINE))
    require_proxies(networks, f"the setting {settings.TRUSTED_PROXIES}")
    return networks


def require_proxies(networks: tuple[str, ...], where: str) -> None:
    """Checks the networks of trusted proxies that somebody has named.

    Raises:
        StateError: one of them is none; the message says where it stands.
    """
    try:
        TrustedProxies(networks)
    except ValueError as error:
        raise StateError(f"{where}: {error}") from error


def given_as(parameter: str) -> str:
    """Returns how somebody who has given a parameter calls it: by its option or by its variable."""
    context = click.get_current_context()
    (found,) = (one for one in context.command.params if one.name == parameter)
    is_variable = context.get_parameter_source(parameter) is ParameterSource.ENVIRONMENT
    return str(found.envvar) if is_variable else found.opts[0]


def mail_server_at(url: str, sender: str = "") -> Mailer:
    """Returns what mails through a server.

    Raises:
        StateError: the URL names none.
    """
    try:
        return Mailer.from_url(url, sender)
    except ValueError as error:
        raise StateError(f"{given_as('mail_server')}: {error}") from error


def mailer_of(database: Database, url: str | None, sender: str | None) -> Mailer | None:
    """Returns what mails notices; None if nothing is mailed.

    Raises:
        StateError: nobody is named as the sender, or the URL names no server.
    """
    if not url:
        return None
    recipients = settings.find(database.reader(), settings.HELPDESK, ())
    how = how_to_set(settings.HELPDESK, [EXAMPLE])
    if not (sender or recipients):
        raise StateError(f"--mail-server needs a sender: give --mail-sender, or set helpdesk: {how}")
    if not recipients:
        log.warning(
            "the setting helpdesk is empty: what is for operators is not mailed to anybody; to set it: %s",
            how,
        )
    return mail_server_at(url, sender or recipients[0])


def templates_in(folder: Path | None) -> dict[str, MailTemplate]:
    """Returns the texts of mail: those in a folder in place of those that come with the service.

    Raises:
        StateError: one of them cannot be used.
    """
    try:
        return load_templates(folder)
    except TemplateError as error:
        raise StateError(str(error)) from error


def key_in(file: Path) -> bytes:
    """Returns what a file has as the key of the secrets of webhooks.

    Raises:
        StateError: it cannot be read, or has no key.
    """
    try:
        return read_key(file)
    except KeyFileError as error:
        raise StateError(str(error)) from error


def require_webhook_key(database: Database, key: bytes | None) -> None:
    """Checks that a key is the one that the secrets of webhooks were derived from, if there are any.

    Raises:
        StateError: it is another one, or there is none.
    """
    if key is not None:
        require_key(database.reader(), key)
    elif destinations.count_webhooks(database.reader()):
        raise StateError("there are webhooks; name the file with their key with --webhook-key")
