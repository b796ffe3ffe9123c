"""What stories about pages are told with: somebody who reads pages, follows links, and fills in forms.

A story runs over HTTP (`http_visitor.py`), and in a real browser (`chromium.py`). It names links, buttons and
fields as people see them, so it finds what a page does not say, too.
"""

from typing import Protocol

from pages.scene import PASSWORD, Person


class Visitor(Protocol):
    """Somebody at a page. `within` is a text of the row, list item or section that is meant."""

    @property
    def path(self) -> str:
        """Where the page is: path and query below the base URL."""

    @property
    def status(self) -> int:
        """The status of the response."""

    @property
    def heading(self) -> str:
        """The first heading."""

    @property
    def text(self) -> str:
        """What the main part of the page says."""

    def open(self, path: str) -> None:
        """Goes to a path below the base URL."""

    def follow(self, link: str, within: str = "") -> None:
        """Follows a link."""

    def administer(self, entry: str) -> None:
        """Follows a link of the menu of administrators, which is folded on phones."""

    def unfold(self, summary: str) -> None:
        """Shows what is folded away below a summary."""

    def fill(self, label: str, value: str) -> None:
        """Type into a field."""

    def choose(self, label: str, option: str) -> None:
        """Chooses an option of a list."""

    def check(self, label: str) -> None:
        """Checks a box, or selects a radio button."""

    def press(self, button: str, within: str = "") -> None:
        """Presses a button, which sends its form."""


def log_in(visitor: Visitor, person: Person, path: str = "/ui/overview") -> None:
    """Goes to a page that asks for a login first, and logs in."""
    visitor.open(path)
    visitor.fill("Username (email address)", person.email)
    visitor.fill("Password", PASSWORD)
    visitor.press("Sign in")
    assert visitor.path == path
