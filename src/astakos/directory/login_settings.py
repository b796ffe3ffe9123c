"""An installation's settings for logins on web pages."""

from dataclasses import dataclass

from astakos.directory.redirects import DEFAULT_NEXT

SESSION_HOURS = 14 * 24
ACCESS_TOKEN_SECONDS = 20
COOKIE_NAME = "_pithos2_a"
TERMS = "Use this service only for what you are allowed to use it for."


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """The settings for logins, with their defaults.

    Attributes:
        weblogin_next: the schemes and origins to which weblogin may redirect a browser with the user's token.
        cookie_name: the name of the cookie for other components' pages; "" for no cookie.
        cookie_domain: the domain of that cookie, for example example.org; None for this host only.
        session_hours: how long a login lasts.
        access_token_seconds: how long an OAuth2 access token is valid.
        oauth2_without_tls: whether OAuth2 also works over plain HTTP, for development.
        terms: the terms of service, as plain text.
    """

    weblogin_next: tuple[str, ...] = DEFAULT_NEXT
    cookie_name: str = COOKIE_NAME
    cookie_domain: str | None = None
    session_hours: int = SESSION_HOURS
    access_token_seconds: int = ACCESS_TOKEN_SECONDS
    oauth2_without_tls: bool = False
    terms: str = TERMS
