"""What is around the content of every page: the service, the reader, and where the page is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from astakos.directory.login_settings import SERVICE_NAME
from astakos.pages.preferences import PLAIN, Preferences

THEMES: Final = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """A link in the navigation.

    Attributes:
        path: Where it leads, below the base URL.
        label: Its text.
        is_current: Whether the page is below it.
    """

    path: str
    label: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """Who has logged in, as pages name them."""

    name: str
    email: str
    uuid: str
    is_administrator: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """What the layout of a page shows.

    Attributes:
        base: The path of the base URL, in front of all links.
        path: The path of the page below it, with its query.
        now: The present instant.
        request_id: The ID of the request.
        service_name: What readers log in to.
        has_logo: Whether the service has a logo.
        reader: Who has logged in; None for nobody.
        proof: The CSRF token of the forms of the page; "" if it has none.
        sending: The number of its forms, each of which makes something once.
        navigation: The links for everybody who has logged in.
        administration: The links for administrators.
        flash: What the action before this page has done; "" for nothing.
        theme: One of `THEMES`.
        preferences: How the reader wants numbers and times.
    """

    base: str
    path: str
    now: int
    request_id: str = ""
    service_name: str = SERVICE_NAME
    has_logo: bool = False
    reader: Reader | None = None
    proof: str = ""
    sending: str = ""
    navigation: Sequence[NavigationEntry] = ()
    administration: Sequence[NavigationEntry] = ()
    flash: str = ""
    theme: str = "auto"
    preferences: Preferences = PLAIN

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the page."""
        return self.preferences.time_zone
