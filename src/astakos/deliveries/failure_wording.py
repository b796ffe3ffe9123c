"""Says in words why an exchange with a server failed, for operators. Never repeats what was sent."""

import http.client
import smtplib
import socket
import ssl

from astakos.deliveries.readable_text import one_line
from astakosclient.http1.name_lookups import UnresolvedInTimeError

LONGEST_REPLY = 200
"""How much of a server's answer is told."""
NOT_OFFERED = {
    "STARTTLS": "does not offer STARTTLS; if it encrypts from the start, its URL begins with smtps://",
    "AUTH": "does not let users log in; leave the user and password out of its URL",
    "SMTPUTF8": "does not take addresses with characters beyond ASCII (SMTPUTF8)",
}
"""What a mail server may lack, by the word in the exception's text."""


def in_words(error: BaseException) -> str:
    """Returns what a server did, as in "refused the connection"; a sentence whose subject is the server."""
    if isinstance(error, smtplib.SMTPException):
        return _of_mail(error)
    if isinstance(error, ConnectionResetError | BrokenPipeError | ssl.SSLEOFError):
        return "closed the connection"
    if isinstance(error, http.client.HTTPException):
        return "did not answer in HTTP/1.1"
    if isinstance(error, UnresolvedInTimeError):
        return "has a name that no name server resolved in time"
    if isinstance(error, UnicodeError):
        return "has a name that is not valid"
    if isinstance(error, socket.gaierror):
        return f"has a name that cannot be resolved: {error.strerror}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has a certificate that cannot be verified: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError):
        why = (error.reason or "").replace("_", " ").lower() or "no reason is known"
        return f"did not agree on TLS: {why}; check the port, and whether it encrypts there"
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection: nothing listens there, or a firewall refuses"
    if isinstance(error, TimeoutError):
        return "did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be reached: {error.strerror}"
    return "failed in a way that has no name"


def _of_mail(error: smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        # smtplib wraps whatever ends a connection.
        cause = error.__context__
        return in_words(cause) if isinstance(cause, OSError) else "closed the connection"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        # What a server answers to a login can repeat what it was sent.
        return f"refused the user and password ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPSenderRefused):
        return f"refused the sender {one_line(str(error.sender))}: {reply(error)}"
    if isinstance(error, smtplib.SMTPDataError):
        return f"refused the message: {reply(error)}"
    if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        return f"does not talk to this host: {reply(error)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"answered {reply(error)}"
    for word, told in NOT_OFFERED.items():
        if word in str(error):
            return told
    return "offers no way to log in that is known here" if "authentication" in str(error) else "failed"


def reply(error: smtplib.SMTPResponseException) -> str:
    """Returns what a mail server has answered, in one line."""
    return reply_of(error.smtp_code, error.smtp_error)


def reply_of(code: int, text: bytes | str) -> str:
    """Returns an answer of a mail server in one line."""
    shown = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {one_line(shown)[:LONGEST_REPLY]}".strip()
