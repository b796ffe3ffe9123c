"""The cookies of the service: their names, where browsers send them, and when they expire."""

from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from astakos.clock import MICROSECONDS
from astakos.directory.login_settings import LoginSettings
from astakos.directory.session_secrets import Session

SESSION = "astakos_session"
BROWSER = "astakos_browser"
TRIED = "astakos_cookie_tried"
BROWSER_DAYS = 180
TRIED_SECONDS = 10


class Cookies:
    """Builds the values of `Set-Cookie` headers for a service at a base URL."""

    def __init__(self, base_url: str) -> None:
        """Restricts the service's own cookies to its path, and to TLS if the base URL uses it."""
        parts = urlsplit(base_url)
        self._path = f"{parts.path}/"
        self._secure = "; Secure" if parts.scheme == "https" else ""

    def session(self, session: Session) -> str:
        """Sets the session cookie."""
        return self._own(SESSION, session.secret, f"; Expires={_date(session.expires)}")

    def no_session(self) -> str:
        """Ends the session cookie."""
        return self._own(SESSION, "", "; Max-Age=0")

    def browser(self, secret: str) -> str:
        """Sets the cookie that identifies the browser."""
        return self._own(BROWSER, secret, f"; Max-Age={BROWSER_DAYS * 24 * 3600}")

    def tried(self) -> str:
        """Sets the cookie that marks an attempt to set or end the shared cookie."""
        return self._own(TRIED, "1", f"; Max-Age={TRIED_SECONDS}")

    def of_components(self, settings: LoginSettings, session: Session | None) -> str:
        """Sets or ends the shared cookie, which gives the token to other components' pages.

        It is not HttpOnly, because scripts on those pages read it.
        """
        value = "" if session is None else shared_value(session)
        ending = "Max-Age=0" if session is None else f"Expires={_date(session.expires)}"
        domain = f"; Domain={settings.cookie_domain}" if settings.cookie_domain else ""
        return f"{settings.cookie_name}={value}; Path=/{domain}; {ending}; SameSite=Lax{self._secure}"

    def _own(self, name: str, value: str, ending: str) -> str:
        return f"{name}={value}; Path={self._path}{ending}; HttpOnly; SameSite=Lax{self._secure}"


def shared_value(session: Session) -> str:
    """Returns the value of the shared cookie."""
    return quote(f"{session.user_uuid}|{session.token}", safe="")


def _date(instant: int) -> str:
    return datetime.fromtimestamp(instant // MICROSECONDS, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
