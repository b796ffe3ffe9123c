"""The cookies of the service: what they are called, where browsers send them, and when they end."""

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
    """Makes the values of headers `Set-Cookie` for a service at some base URL."""

    def __init__(self, base_url: str) -> None:
        """Keep its own cookies to its own path, and on TLS where it is reached by TLS."""
        parts = urlsplit(base_url)
        self._path = f"{parts.path}/"
        self._secure = "; Secure" if parts.scheme == "https" else ""

    def session(self, session: Session) -> str:
        """The cookie that is the login."""
        return self._own(SESSION, session.secret, f"; Expires={_date(session.expires)}")

    def no_session(self) -> str:
        """The end of that cookie."""
        return self._own(SESSION, "", "; Max-Age=0")

    def browser(self, secret: str) -> str:
        """The cookie by which a browser is known again."""
        return self._own(BROWSER, secret, f"; Max-Age={BROWSER_DAYS * 24 * 3600}")

    def tried(self) -> str:
        """The cookie that says that another one has just been set or ended."""
        return self._own(TRIED, "1", f"; Max-Age={TRIED_SECONDS}")

    def of_components(self, settings: LoginSettings, session: Session | None) -> str:
        """The cookie with the token for other components' pages, or the end of it.

        Their scripts read it, so it is not closed to scripts as the others are.
        """
        value = "" if session is None else shared_value(session)
        ending = "Max-Age=0" if session is None else f"Expires={_date(session.expires)}"
        domain = f"; Domain={settings.cookie_domain}" if settings.cookie_domain else ""
        return f"{settings.cookie_name}={value}; Path=/{domain}; {ending}; SameSite=Lax{self._secure}"

    def _own(self, name: str, value: str, ending: str) -> str:
        return f"{name}={value}; Path={self._path}{ending}; HttpOnly; SameSite=Lax{self._secure}"


def shared_value(session: Session) -> str:
    """What the cookie for other components' pages holds."""
    return quote(f"{session.user_uuid}|{session.token}", safe="")


def _date(instant: int) -> str:
    return datetime.fromtimestamp(instant // MICROSECONDS, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
