"""The cookies of the service: their names, where browsers send them, and when they expire."""

import re
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import quote, urlsplit

from astakos.clock import MICROSECONDS
from astakos.directory.login_settings import LoginSettings
from astakos.directory.session_secrets import Session

NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._~-]")

SESSION = "astakos_session"
BROWSER = "astakos_browser"
TRIED = "astakos_cookie_tried"
HOST = "__Host-"
"""Browsers accept a cookie of such a name only from this very host over TLS, and for all its paths."""
SECURE = "__Secure-"
"""Browsers accept a cookie of such a name only over TLS."""
BROWSER_DAYS = 366
"""As long as the longest session, which needs the browser's cookie, too."""
TRIED_SECONDS = 10
FLASH_SECONDS = 60
LINK_SECONDS = 3600


class Cookies:
    """Builds the values of `Set-Cookie` headers for a service at a base URL.

    Attributes:
        session_name: The name of the cookie that holds the secret of the session.
        browser_name: The name of the cookie that holds the secret of the browser.
    """

    FLASH: ClassVar = "astakos_flash"
    THEME: ClassVar = "astakos_theme"
    PREFERENCES: ClassVar = "astakos_preferences"
    LINK: ClassVar = "astakos_link"

    def __init__(self, base_url: str) -> None:
        """Restricts the service's own cookies to its path, and to TLS if the base URL uses it.

        The exception is the browser's cookie under TLS: so that other hosts of the domain cannot set it, it
        is for all paths. Its name tells services at different paths apart.
        """
        parts = urlsplit(base_url)
        self._path = self._path_of_browser = f"{parts.path}/"
        self._secure = ""
        self.session_name, self.browser_name = SESSION, BROWSER
        if parts.scheme == "https":
            self._secure = "; Secure"
            self._path_of_browser = "/"
            self.session_name = f"{SECURE if parts.path else HOST}{SESSION}"
            self.browser_name = f"{HOST}{BROWSER}{NOT_IN_NAMES.sub('.', parts.path)}"

    def session(self, session: Session) -> str:
        """Sets the session cookie."""
        return self._own(self.session_name, session.secret, f"; Expires={_date(session.expires)}")

    def no_session(self) -> str:
        """Ends the session cookie."""
        return self._own(self.session_name, "", "; Max-Age=0")

    def browser(self, secret: str) -> str:
        """Sets the cookie that identifies the browser."""
        ending = f"; Max-Age={BROWSER_DAYS * 24 * 3600}"
        return self._own(self.browser_name, secret, ending, self._path_of_browser)

    def tried(self) -> str:
        """Sets the cookie that marks an attempt to set or end the shared cookie."""
        return self._own(TRIED, "1", f"; Max-Age={TRIED_SECONDS}")

    def flash(self, value: str) -> str:
        """Sets the cookie that tells the next page what an action has done."""
        return self._own(self.FLASH, value, f"; Max-Age={FLASH_SECONDS}")

    def no_flash(self) -> str:
        """Ends that cookie."""
        return self._own(self.FLASH, "", "; Max-Age=0")

    def link(self, secret: str, path: str) -> str:
        """Sets the cookie that holds the secret of a link, for the pages at a path below the base URL."""
        return self._own(self.LINK, secret, f"; Max-Age={LINK_SECONDS}", f"{self._path}{path.lstrip('/')}")

    def no_link(self, path: str) -> str:
        """Ends that cookie."""
        return self._own(self.LINK, "", "; Max-Age=0", f"{self._path}{path.lstrip('/')}")

    def theme(self, name: str) -> str:
        """Sets the cookie that holds the appearance of the pages in this browser."""
        return self._own(self.THEME, name, f"; Max-Age={BROWSER_DAYS * 24 * 3600}")

    def preferences(self, text: str) -> str:
        """Sets the cookie that holds how numbers and times are written in this browser."""
        return self._own(self.PREFERENCES, text, f"; Max-Age={BROWSER_DAYS * 24 * 3600}")

    def of_components(self, settings: LoginSettings, session: Session | None) -> str:
        """Sets or ends the shared cookie, which gives the token to other components' pages.

        It is not HttpOnly, because scripts on those pages read it.
        """
        value = "" if session is None else shared_value(session)
        ending = "Max-Age=0" if session is None else f"Expires={_date(session.expires)}"
        domain = f"; Domain={settings.cookie_domain}" if settings.cookie_domain else ""
        return f"{settings.cookie_name}={value}; Path=/{domain}; {ending}; SameSite=Lax{self._secure}"

    def _own(self, name: str, value: str, ending: str, path: str = "") -> str:
        return f"{name}={value}; Path={path or self._path}{ending}; HttpOnly; SameSite=Lax{self._secure}"


def shared_value(session: Session) -> str:
    """Returns the value of the shared cookie."""
    return quote(f"{session.user_uuid}|{session.token}", safe="")


def _date(instant: int) -> str:
    return datetime.fromtimestamp(instant // MICROSECONDS, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
