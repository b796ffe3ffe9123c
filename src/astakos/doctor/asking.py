"""Asks the service over HTTP, as its clients do: one request, within a deadline, without redirects."""

import http.client
import socket
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

from astakos.deliveries.deadline import Deadline
from astakos.deliveries.failure_wording import in_words

PORTS = {"http": 80, "https": 443}
SECONDS = 10.0
LONGEST_ANSWER = 2**20
NO_TLS = (
    "If the service is asked without TLS at that port, the URL begins with http://. Else start the service."
)
AUTHORITY = (
    "If it is from an authority of your own, name the file with its certificate in SSL_CERT_FILE "
    "(docs/operations.md#a-certificate-authority-of-your-own). Else renew the certificate of the proxy."
)


class Answer(NamedTuple):
    """An answer.

    Attributes:
        status: its status.
        body: the first `LONGEST_ANSWER` bytes of its body.
    """

    status: int
    body: bytes


class NoAnswerError(Exception):
    """There is no answer; the message says why, in a sentence whose subject is the server.

    Attributes:
        remedy: what to do about it; None if nothing is known but that there is no answer.
    """

    def __init__(self, reason: str, remedy: str | None = None) -> None:
        """Keep the reason and the remedy."""
        super().__init__(reason)
        self.remedy = remedy


def get(url: str) -> Answer:
    """Send a GET request.

    Raises:
        NoAnswerError: there is no answer within `SECONDS`.
    """
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        host, port = parts.hostname or "", parts.port or PORTS[scheme]
    except (KeyError, ValueError) as error:
        raise NoAnswerError(f"has a URL that cannot be read: {error}") from None
    connection = http.client.HTTPConnection(host, parts.port, timeout=SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with Deadline(SECONDS) as deadline:
        try:
            connection.sock = socket.create_connection((host, port), SECONDS)
            # A connection with TLS cannot be watched, the one below it can.
            deadline.watch(connection.sock)
            if scheme == "https":
                context = ssl.create_default_context()
                connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
            connection.request("GET", target, headers={"Accept": "application/json", "Connection": "close"})
            answered = connection.getresponse()
            return Answer(answered.status, answered.read(LONGEST_ANSWER))
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            if deadline.is_over:
                raise NoAnswerError(f"did not answer within {SECONDS:g} seconds", _remedy(error)) from None
            raise NoAnswerError(in_words(error), _remedy(error)) from None
        finally:
            connection.close()


def _remedy(error: BaseException) -> str | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return AUTHORITY
    is_no_tls = isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER"
    return NO_TLS if is_no_tls or (isinstance(error, TimeoutError) and "handshake" in str(error)) else None
