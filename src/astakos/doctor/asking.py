"""Asks the service over HTTP, as its clients do: one request, within a deadline, without redirects."""

import http.client
import os
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

from astakos.deliveries.connecting import connected
from astakos.deliveries.deadline import Deadline
from astakos.deliveries.failure_wording import in_words
from astakosclient.http1.name_lookups import UnresolvedInTimeError

PORTS = {"http": 80, "https": 443}
SECONDS = 10.0
LONGEST_ANSWER = 2**20
NO_TLS = (
    "If the service is asked without TLS at that port, the URL begins with http://. Else start the service."
)
ONLY_TLS = "The URL begins with https://."
NOT_TLS = frozenset({"HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "WRONG_VERSION_NUMBER"})
"""What versions of OpenSSL call an answer to a handshake that is not TLS."""
TLS_ALERT = "\x15\x03"
"""How the answer to what is not TLS begins."""
AUTHORITY = (
    "If it is from an authority of your own, name the file with its certificate in SSL_CERT_FILE "
    "(docs/tls.md#a-certificate-authority-of-your-own). Else renew the certificate of the proxy."
)
CERTIFICATE_REMEDIES = {
    9: "See whether this machine's clock is right. Else wait, or give the proxy another certificate.",
    10: "Renew the certificate of the proxy, and let the proxy read it.",
    62: "Ask by a name for which the certificate is valid, or give the proxy one for this name.",
    64: "Ask by a name for which the certificate is valid, or give the proxy one for this address.",
}
"""What to do about a certificate that OpenSSL finds too young, too old, or of another name or address."""


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
        """Keeps the reason and the remedy."""
        super().__init__(reason)
        self.remedy = remedy


def get(url: str) -> Answer:
    """Sends a GET request.

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
            connection.sock = connected(host, port, SECONDS)
            # A connection with TLS cannot be watched, the one below it can.
            deadline.watch(connection.sock)
            if scheme == "https":
                context = ssl.create_default_context()
                connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
            connection.request("GET", target, headers={"Accept": "application/json", "Connection": "close"})
            # The answer keeps the socket open until it is closed itself.
            with connection.getresponse() as answered:
                return Answer(answered.status, answered.read(LONGEST_ANSWER))
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            if deadline.is_over and not isinstance(error, UnresolvedInTimeError):
                raise NoAnswerError(f"did not answer within {SECONDS:g} seconds", _remedy(error)) from None
            raise NoAnswerError(_reason(error), _remedy(error)) from None
        finally:
            connection.close()


def _speaks_http(error: BaseException) -> bool:
    return isinstance(error, ssl.SSLError) and error.reason in NOT_TLS


def _speaks_https(error: BaseException) -> bool:
    return isinstance(error, http.client.BadStatusLine) and str(error).startswith(TLS_ALERT)


def _reason(error: BaseException) -> str:
    if _speaks_http(error):
        return "speaks http there, not https"
    return "speaks https there, not http" if _speaks_https(error) else in_words(error)


def _remedy(error: BaseException) -> str | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CERTIFICATE_REMEDIES.get(error.verify_code) or _how_to_name_authorities()
    if _speaks_https(error):
        return ONLY_TLS
    is_silent = isinstance(error, TimeoutError) and "handshake" in str(error)
    return NO_TLS if is_silent or _speaks_http(error) else None


def _how_to_name_authorities() -> str:
    named = os.environ.get("SSL_CERT_FILE")
    if not named:
        return AUTHORITY
    if not os.access(named, os.R_OK):
        return f"SSL_CERT_FILE names {named}, which is missing or cannot be read: name another file."
    return f"SSL_CERT_FILE names {named}: see whether it has the certificate of the authority that signed."
