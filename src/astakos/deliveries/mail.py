"""Sends mail through a mail server, each message within one deadline."""

import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from astakos.deliveries.connecting import connected, own_name
from astakos.deliveries.deadline import Deadline
from astakos.deliveries.failure_wording import in_words, reply_of
from astakos.deliveries.outcomes import DeliveryError

SILENCE_SECONDS = 15.0
"""How long the mail server may be silent."""
NAME_SECONDS = 5.0
"""How long to look up the name of this machine, which the mail server is greeted with."""
EXCHANGE_SECONDS = 40.0
"""How long it may take to hand over one message, from when it is connected."""
SCHEMES = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
KINDS = ", ".join(f"{scheme}://host" for scheme in SCHEMES)
FORMS = (
    f"the URL of the mail server must have one of these forms: {KINDS} "
    "(in a user or a password, write %40 for @, %2F for /, %3F for ?, %23 for #, and %25 for %)"
)
PERMANENT = range(500, 600)


@dataclass(frozen=True, slots=True)
class Mailer:
    """A mail server, with the sender of the mail."""

    scheme: str
    host: str
    port: int
    sender: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str, sender: str) -> "Mailer":
        """Parses `smtp://host`, `smtps://user:password@host:465` or `smtp+starttls://…`.

        Raises:
            ValueError: the URL does not name a mail server. The message omits it: it can contain a password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            # Its message can contain a part of the password.
            raise ValueError(FORMS) from None
        is_server_alone = parts.path in ("", "/") and not (parts.query or parts.fragment)
        if parts.scheme not in SCHEMES or not parts.hostname or not is_server_alone:
            raise ValueError(FORMS)
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port or SCHEMES[parts.scheme],
            sender=sender,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    def deliver(self, message: EmailMessage) -> None:
        """Hands a message to the mail server.

        Raises:
            DeliveryError: the mail server has not taken it, or not in time.
        """
        with Deadline(EXCHANGE_SECONDS) as deadline:
            try:
                self._converse(message, deadline)
            except smtplib.SMTPRecipientsRefused as error:
                raise self._refused(error) from None
            except (OSError, UnicodeError, smtplib.SMTPException) as error:
                raise DeliveryError(self._why(error, deadline)) from None

    def _refused(self, error: smtplib.SMTPRecipientsRefused) -> DeliveryError:
        replies = list(error.recipients.values())
        is_final = all(code in PERMANENT for code, _ in replies)
        told = f"{self._name} refused the recipient: {reply_of(*replies[0])}"
        return DeliveryError(told, is_final=is_final)

    @property
    def _name(self) -> str:
        return f"{self.host}:{self.port}"

    def _why(self, error: Exception, deadline: Deadline) -> str:
        if deadline.is_over:
            return f"{self._name} took longer than {EXCHANGE_SECONDS:g} seconds"
        return f"{self._name} {in_words(error)}"

    def _converse(self, message: EmailMessage, deadline: Deadline) -> None:
        with _Connection(self, deadline) as server:
            if self.scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
            if self.username is not None and self.password is not None:
                server.login(self.username, self.password)
            server.send_message(message)


class _Connection(smtplib.SMTP):
    """A connection that a deadline watches from its first byte on."""

    def __init__(self, mailer: Mailer, deadline: Deadline) -> None:
        self._is_encrypted = mailer.scheme == "smtps"
        self._deadline = deadline
        super().__init__(
            mailer.host, mailer.port, local_hostname=own_name(NAME_SECONDS), timeout=SILENCE_SECONDS
        )

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = connected(host, port, timeout)
        self._deadline.watch(connection)
        if not self._is_encrypted:
            return connection
        # Without a context of its own, smtplib accepts any certificate.
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
