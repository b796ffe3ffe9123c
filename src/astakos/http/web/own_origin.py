"""Decides whether a browser has sent a request from one of this service's own pages."""

from urllib.parse import urlsplit

ELSEWHERE = ("cross-site", "same-site")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def is_from_elsewhere(fetch_site: str, origin: str, base_url: str, host: str) -> bool:
    """Returns whether a request comes from a page of another site.

    Browsers send at least one of these headers with every form. A program that sends none of them is not
    misused by another site.

    Args:
        fetch_site: The Sec-Fetch-Site header; "" if it is missing.
        origin: The Origin header; "" if it is missing. `null` comes from pages that hide where they are.
        base_url: The base URL of this service.
        host: The Host header: no page can make a browser send another one.
    """
    if fetch_site in ELSEWHERE:
        return True
    return bool(origin) and not _is_own(origin.lower(), base_url.lower(), host.lower())


def _is_own(origin: str, base_url: str, host: str) -> bool:
    own = urlsplit(base_url)
    # Not split as a URL: it comes from outside, and some texts are no URL at all.
    scheme, _, authority = origin.partition("://")
    if not authority or scheme not in DEFAULT_PORTS or (own.scheme == "https" and scheme != "https"):
        return False
    authorities = {_without_default_port(own.scheme, own.netloc), _without_default_port(scheme, host)}
    return _without_default_port(scheme, authority) in authorities


def _without_default_port(scheme: str, authority: str) -> str:
    return authority.removesuffix(DEFAULT_PORTS[scheme])
