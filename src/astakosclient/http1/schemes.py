"""Says in words that a server speaks the other of the schemes http and https."""

from __future__ import annotations

SPEAKS_HTTP = "the server speaks http there, not https: the URL is http://…, or the https://… of a proxy"
SPEAKS_HTTPS = "the server speaks https there, not http: the URL is https://…"

TLS_ALERT = b"\x15\x03"
"""The first bytes of an answer to what is not TLS."""

_NO_TLS = frozenset({"HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "WRONG_VERSION_NUMBER"})
"""What versions of OpenSSL call an answer to a handshake that is not TLS."""


def in_words(error: OSError) -> OSError:
    """Returns an error that says so, if TLS has failed because the server answered in another protocol.

    Any other error is returned as it is.
    """
    # Only an `ssl.SSLError` has a reason; naming its class would load OpenSSL for plain HTTP.
    return OSError(SPEAKS_HTTP) if getattr(error, "reason", None) in _NO_TLS else error
