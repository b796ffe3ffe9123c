"""Reading the token out of the cookie that the login page sets."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import unquote

ATTRIBUTES = ("COOKIES", "cookies", "COOKIE")
"""What frameworks call the mapping of cookies; the last is what the documentation once said."""


def get_token_from_cookie(request: object, cookie_name: str) -> str | None:
    """The user's token from the Astakos cookie of a request, or None on any trouble.

    The cookie holds ``<uuid>|<token>``, percent-encoded. It is looked up in the request's mapping
    ``COOKIES`` (as Django calls it), ``cookies`` (Starlette, FastAPI, Flask, aiohttp, Tornado and others) or
    ``COOKIE``; nothing is ever raised.

    Args:
        request: a request of one of these frameworks, or anything with such a mapping.
        cookie_name: the name of the cookie, as the Astakos service is configured.

    Example:
        >>> from types import SimpleNamespace
        >>> request = SimpleNamespace(COOKIES={"_pithos2_a": "b3de8eb0%7CUQpYas7E"})
        >>> get_token_from_cookie(request, "_pithos2_a")
        'UQpYas7E'
    """
    for attribute in ATTRIBUTES:
        # Whatever a request object raises means the same to the caller: there is no token.
        with suppress(Exception):
            cookie = getattr(request, attribute)[cookie_name]
            # Tornado's mapping holds morsels.
            token = token_of_cookie(getattr(cookie, "value", cookie))
            if token:
                return token
    return None


def token_of_cookie(value: str) -> str | None:
    """The token in the value of an Astakos cookie, or None if there is none in it."""
    parts = unquote(value.strip('"')).split("|")
    return parts[1] or None if len(parts) > 1 else None
