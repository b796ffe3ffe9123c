"""Reading the token out of the cookie that the login page sets."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import unquote


def get_token_from_cookie(request: object, cookie_name: str) -> str | None:
    """The user's token from the Astakos cookie of a Django request, or None on any trouble.

    The cookie holds ``<uuid>|<token>``, percent-encoded. It is looked up in ``request.COOKIES`` and then
    in ``request.COOKIE``; nothing is ever raised.

    Args:
        request: a Django request, or anything with a mapping ``COOKIES``.
        cookie_name: the name of the cookie, as the Astakos service is configured.

    Example:
        >>> from types import SimpleNamespace
        >>> request = SimpleNamespace(COOKIES={"_pithos2_a": "b3de8eb0%7CUQpYas7E"})
        >>> get_token_from_cookie(request, "_pithos2_a")
        'UQpYas7E'
    """
    for attribute in ("COOKIES", "COOKIE"):
        # Whatever a request object raises means the same to the caller: there is no token.
        with suppress(Exception):
            token = unquote(getattr(request, attribute)[cookie_name]).split("|")[1]
            if token:
                return token
    return None
