"""Sends feedback to the operators through a mail server."""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from astakos.ledger.ports import StorageUnavailableError
from astakos.service.admission import Bounds
from astakos.service.pool import Pool

TIMEOUT_SECONDS = 20.0
"""How long the mail server may be silent."""
LONGEST_DELIVERY_SECONDS = 25.0
DELIVERIES = Bounds(at_once=2, of_one=1, waiting=32, waiting_of_one=4)
SCHEMES = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


class MailError(Exception):
    """The mail server did not accept the message, or could not be reached."""


@dataclass(frozen=True, slots=True)
class Mailer:
    """A mail server, with the sender and the recipients of the mail."""

    scheme: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str, sender: str, recipients: tuple[str, ...]) -> "Mailer":
        """Parses `smtp://host`, `smtps://user:password@host:465` or `smtp+starttls://…`.

        Raises:
            ValueError: The URL does not name a mail server. The message omits it: it can contain a password.
        """
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not parts.hostname:
            kinds = ", ".join(f"{scheme}://host" for scheme in SCHEMES)
            raise ValueError(f"the URL of the mail server must have one of these forms: {kinds}")
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=parts.port or SCHEMES[parts.scheme],
            sender=sender,
            recipients=recipients,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    def message(self, subject: str, reply_to: str, text: str) -> EmailMessage:
        """Returns a message to the recipients."""
        message = EmailMessage()
        message["Subject"] = subject
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        message["Reply-To"] = reply_to
        message.set_content(text)
        return message

    def deliver(self, message: EmailMessage) -> None:
        """Hands a message to the mail server.

        Raises:
            MailError: The mail server did not accept it.
        """
        try:
            self._converse(message)
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(
                f"{self.host}:{self.port} did not accept the message: {type(error).__name__}"
            ) from error

    def _converse(self, message: EmailMessage) -> None:
        with self._connect() as server:
            if self.scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
            if self.username is not None and self.password is not None:
                server.login(self.username, self.password)
            server.send_message(message)

    def _connect(self) -> smtplib.SMTP:
        # Without a context of its own, smtplib accepts any certificate.
        if self.scheme == "smtps":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)


class Outbox:
    """Delivers messages on threads of its own, so that a slow mail server delays nothing else."""

    def __init__(self, mailer: Mailer) -> None:
        """Delivers through a mail server."""
        self._mailer = mailer
        self._threads = Pool("messages", DELIVERIES, longest=LONGEST_DELIVERY_SECONDS)

    async def send(self, subject: str, reply_to: str, text: str) -> None:
        """Sends a message to the recipients.

        Raises:
            MailError: The mail server did not accept it in time, or too many messages are waiting for it.
        """
        message = self._mailer.message(subject, reply_to, text)
        try:
            await self._threads.run(lambda: self._mailer.deliver(message))
        except StorageUnavailableError as error:
            raise MailError(str(error)) from error

    def close(self) -> None:
        """Stops the threads, and cancels what is queued."""
        self._threads.close()
