"""An installation's settings for logins on web pages."""

from dataclasses import dataclass

from astakos.directory.redirects import DEFAULT_NEXT

SESSION_HOURS = 14 * 24
ACCESS_TOKEN_SECONDS = 20
COOKIE_NAME = "_pithos2_a"
SERVICE_NAME = "Astakos"
LOGO_TYPES = {"svg": "image/svg+xml", "png": "image/png", "webp": "image/webp", "jpg": "image/jpeg"}
"""Media types of logos, by what the names of their files end with."""
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
        service_name: what pages call the service.
        logo: the path of a file with the logo of the service; "" for none. See `LOGO_TYPES`.
        forgotten_password: what the login page says about forgotten passwords; "" for nothing.
    """

    weblogin_next: tuple[str, ...] = DEFAULT_NEXT
    cookie_name: str = COOKIE_NAME
    cookie_domain: str | None = None
    session_hours: int = SESSION_HOURS
    access_token_seconds: int = ACCESS_TOKEN_SECONDS
    oauth2_without_tls: bool = False
    terms: str = TERMS
    service_name: str = SERVICE_NAME
    logo: str = ""
    forgotten_password: str = ""


def logo_type(path: str) -> str:
    """Returns the media type of a logo, by the name of its file.

    Raises:
        ValueError: no browser shows it as an image.
    """
    found = LOGO_TYPES.get(path.rpartition(".")[2].lower())
    if found is None:
        raise ValueError(f"a logo must be one of {', '.join(sorted(LOGO_TYPES))}")
    return found
