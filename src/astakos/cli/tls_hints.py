"""What to try if the service cannot be asked because of TLS: another scheme, or an authority of one's own."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from astakosclient import errors

BAD_REQUEST = 400
NO_TLS = (
    "; it seems that there is no TLS at that port: if the service is asked without it, the URL is http://…"
)
NO_HTTP = "; if that port expects TLS, the URL is https://…"
AUTHORITY = "; if it is from an authority of your own, name the file with its certificate in SSL_CERT_FILE"


def tls_hint(url: str, error: errors.AstakosClientException) -> str:
    """Returns what to add to an error of a call to the service at a URL; empty if TLS is not the cause."""
    if urlsplit(url).scheme.lower() != "https":
        is_unclear = error.status == BAD_REQUEST and not error.fault and not error.said
        return NO_HTTP if is_unclear else ""
    import ssl  # noqa: PLC0415 - slow to import, and not needed without an error

    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return AUTHORITY
        if isinstance(cause, TimeoutError) and "handshake" in str(cause):
            return NO_TLS
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
