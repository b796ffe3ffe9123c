"""Leads browsers on, at the host that they know the service by."""

from collections.abc import Mapping, Sequence

from astakos.directory.redirects import path_of
from astakos.http.media_types import HTML_UTF8, PLAIN_UTF8
from astakos.http.request import Answer
from astakos.service.service import Service

PRIVATE: Mapping[str, str] = {"Vary": "Cookie"}
"""Sent with what depends on who is logged in."""


def plain(status: int, text: str) -> Answer:
    """Returns a line of plain text."""
    return Answer(status, text.encode() + b"\n", PLAIN_UTF8, {"Referrer-Policy": "no-referrer", **PRIVATE})


def redirect(location: str, cookies: Sequence[str] = ()) -> Answer:
    """Redirects the browser.

    Args:
        location: URL that is safe in a header.
        cookies: Cookies to set.
    """
    return Answer(302, b"", HTML_UTF8, {"Location": location, **PRIVATE}, cookies)


def base_path(service: Service) -> str:
    """Returns the path of the base URL: links and forms that begin with it stay at the browser's host."""
    return path_of(service.base_url, service.base_url)


def redirect_within(service: Service, address: str, cookies: Sequence[str] = ()) -> Answer:
    """Redirects the browser to a page of this service, at the host that the browser knows it by.

    Args:
        service: The service.
        address: Absolute URL of the page.
        cookies: Cookies to set.
    """
    return redirect(path_of(address, service.base_url), cookies)
