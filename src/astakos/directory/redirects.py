"""Where a browser may be redirected with a user's token or after a form, as pure functions."""

import re
from collections.abc import Collection
from urllib.parse import quote_plus, urlencode, urlsplit, urlunsplit

DEFAULT_NEXT = ("pithos", "pithosdev")
"""Where weblogin may redirect browsers by default."""

PLAIN = re.compile(r"[!-\[\]-~]+")
"""ASCII without spaces, control characters, and the backslash, which browsers treat as a slash."""
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE)
ORIGIN = re.compile(
    r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](?::[0-9]{1,5})?", re.IGNORECASE
)

LONGEST_CARRIED = 3000
"""How many characters an address may have in the query of another one: proxies take heads of 4 kB."""

RUN_BY_BROWSERS = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "view-source"})
WEB = frozenset({"http", "https"})
ODD_PARTS = ("//", "/..", "/./", "%2e", "%2f", "%5c")
"""No path of the service contains these, and programs read them in different ways."""


def can_be_carried(text: str) -> bool:
    """Whether a redirect can carry a text in the query of its address, and every proxy passes it on."""
    return len(text) <= LONGEST_CARRIED and len(quote_plus(text, errors="replace")) <= LONGEST_CARRIED


def is_plain_uri(uri: str) -> bool:
    """Whether all programs parse a URI alike, and it is safe in a header."""
    if not PLAIN.fullmatch(uri):
        return False
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme.lower() not in RUN_BY_BROWSERS


def refuse_web_url(url: str) -> str | None:
    """Returns why a text is not a URL that every program and browser can call; None if it is one."""
    if is_plain_uri(url):
        parts = urlsplit(url)
        if parts.scheme.lower() in WEB and parts.hostname and not parts.fragment:
            return None
    return (
        f"{url!r} is not a URL like https://accounts.example.org/astakos: http or https, a host, and only "
        "ASCII characters without spaces (write others as %XX, and international hosts as xn--…)"
    )


def is_web_address(text: str) -> bool:
    """Whether a text, in any script, is an address of the web: http or https, and a host."""
    if not text.isprintable() or " " in text or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme.lower() in WEB and bool(parts.hostname)


def refuse_base_url(url: str) -> str | None:
    """Returns why a URL cannot be the one below which this service's routes lie; None if it can."""
    refusal = refuse_web_url(url)
    if refusal is None and "?" in url:
        return f"{url!r} must not contain a query"
    return refusal


def refuse_allowed_next(entry: str) -> str | None:
    """Returns why an entry of `weblogin_next` is invalid; None if it is valid."""
    if ORIGIN.fullmatch(entry):
        return None
    if not SCHEME.fullmatch(entry) or entry.lower() in RUN_BY_BROWSERS:
        return "it must be a scheme (pithos) or an origin (https://files.example.org)"
    if entry.lower() in WEB:
        return f"{entry} would send tokens to any website; name an origin instead (https://files.example.org)"
    return None


def is_allowed_next(uri: str, allowed: Collection[str]) -> bool:
    """Whether weblogin may redirect a browser to a URI: its scheme, or for http(s) its origin, is allowed.

    It must not be too long to be carried.
    """
    if not (can_be_carried(uri) and is_plain_uri(uri)):
        return False
    parts = urlsplit(uri)
    scheme = parts.scheme.lower()
    if scheme in WEB:
        return f"{scheme}://{parts.netloc.lower()}" in {entry.lower() for entry in allowed}
    return bool(scheme) and scheme in {entry.lower() for entry in allowed}


def with_query(uri: str, **parameters: str) -> str:
    """Returns a URI with its query replaced; the fragment stays."""
    return urlunsplit(urlsplit(uri)._replace(query=urlencode(parameters)))


def path_of(address: str, base_url: str) -> str:
    """Returns an address of the service without scheme and host.

    A browser may know the service by another host than the base URL names (`localhost`). Its cookies are
    valid there only, and its policy for forms allows no other.
    """
    base = urlsplit(base_url)
    path = address.removeprefix(f"{base.scheme}://{base.netloc}")
    # To a browser, what begins with two slashes names another host.
    return f"/{path.lstrip('/')}" if path.startswith("//") else path


def own_address(wanted: str, base_url: str) -> str | None:
    """Returns the absolute URL of one of the service's own pages, given as a URL or path; otherwise None.

    None, too, if it is too long to be carried.
    """
    if not (can_be_carried(wanted) and is_plain_uri(wanted)):
        return None
    base = urlsplit(base_url)
    if wanted.startswith("/") and not wanted.startswith("//"):
        wanted = f"{base.scheme}://{base.netloc}{wanted}"
    path = wanted.removeprefix(base_url).partition("?")[0].partition("#")[0]
    if not wanted.startswith(f"{base_url}/") or any(part in path.lower() for part in ODD_PARTS):
        return None
    return wanted
