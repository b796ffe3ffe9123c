"""Reads the user's token from the cookie that the Astakos login page sets."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import unquote

ATTRIBUTES = ("COOKIES", "cookies", "COOKIE")
"""Names of the cookie mapping in web frameworks; ``COOKIE`` is the name that the 0.14 client used."""


def get_token_from_cookie(request: object, cookie_name: str) -> str | None:
    """Returns the user's token from the Astakos cookie of a request, or None if there is none.

    The cookie value is ``<uuid>|<token>``, percent-encoded. The function looks it up in the request's
    attribute ``COOKIES`` (Django), ``cookies`` (Starlette, FastAPI, Flask, aiohttp, Tornado) or ``COOKIE``.
    It never raises an exception.

    Args:
        request: a request object with one of these attributes, a mapping of cookies by name.
        cookie_name: the cookie name configured in the Astakos service.

    Example:
        >>> from types import SimpleNamespace
        >>> request = SimpleNamespace(COOKIES={"_pithos2_a": "b3de8eb0%7CUQpYas7E"})
        >>> get_token_from_cookie(request, "_pithos2_a")
        'UQpYas7E'
    """
    for attribute in ATTRIBUTES:
        # Documented not to raise, whatever the request object is.
        with suppress(Exception):
            cookie = getattr(request, attribute)[cookie_name]
            # Tornado's mapping contains http.cookies.Morsel objects.
            token = token_of_cookie(getattr(cookie, "value", cookie))
            if token:
                return token
    return None


def token_of_cookie(value: str) -> str | None:
    """Returns the token in the value of an Astakos cookie, or None if there is none."""
    parts = unquote(value.strip('"')).split("|")
    return parts[1] or None if len(parts) > 1 else None
