"""The headers that keep browsers from doing more with a response than it means."""

from collections.abc import Mapping, Sequence
from typing import Final

from astakos.http.media_types import HTML_TYPE

POLICY: Final = "Content-Security-Policy"
OF_ALL: Final[Mapping[str, str]] = {"X-Content-Type-Options": "nosniff"}
"""Sent with every response: what is JSON, XML, or a script must not be taken for a page."""
OF_PAGES: Final[Mapping[str, str]] = {
    POLICY: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    # Without any referrer, browsers would also hide the origin of the service's own forms, which is checked.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""Sent with every HTML response that does not set them itself, including redirects and pages about errors."""

OF_OWN_FILES: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def page_policy(forms_may_lead_to: Sequence[str] | None = ("'self'",)) -> str:
    """Returns the policy of a page that loads only what this service serves, and runs nothing inline.

    Args:
        forms_may_lead_to: Sources of `form-action`; None for any.
    """
    if forms_may_lead_to is None:
        return OF_OWN_FILES
    return f"{OF_OWN_FILES}; form-action {' '.join(forms_may_lead_to)}"


def missing_headers(media_type: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the headers that a response of a media type needs in addition to its own."""
    if not media_type.startswith(HTML_TYPE):
        return {}
    return {name: value for name, value in OF_PAGES.items() if name not in headers}
