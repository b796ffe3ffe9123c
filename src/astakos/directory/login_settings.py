"""How logging in on pages goes in an installation."""

from dataclasses import dataclass

from astakos.directory.redirects import DEFAULT_NEXT

SESSION_HOURS = 14 * 24
ACCESS_TOKEN_SECONDS = 20
COOKIE_NAME = "_pithos2_a"
TERMS = "Use this service only for what you are allowed to use it for."


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """The choices of an installation.

    Attributes:
        weblogin_next: schemes and origins that weblogin may send a browser to with its user's token.
        cookie_name: of the cookie for other components' pages; "" if there should be none.
        cookie_domain: to which hosts browsers send it, such as example.org; this one alone if None.
        session_hours: how long a login lasts.
        access_token_seconds: how long an access token of OAuth2 works.
        oauth2_without_tls: OAuth2 is answered over plain HTTP, too, for development.
        terms: the terms of service, as plain text.
    """

    weblogin_next: tuple[str, ...] = DEFAULT_NEXT
    cookie_name: str = COOKIE_NAME
    cookie_domain: str | None = None
    session_hours: int = SESSION_HOURS
    access_token_seconds: int = ACCESS_TOKEN_SECONDS
    oauth2_without_tls: bool = False
    terms: str = TERMS
