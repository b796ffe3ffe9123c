"""The links that all pages show, in order. A view that people start at has an entry here."""

from collections.abc import Sequence
from typing import Final

from astakos.pages.site import NavigationEntry

FOR_USERS: Final = (
    ("/ui/overview", "Overview"),
    ("/ui/projects", "Projects"),
    ("/ui/access", "Access"),
    ("/ui/account", "Account"),
)
FOR_ADMINISTRATORS: Final[Sequence[tuple[str, str]]] = (
    ("/ui/admin/now", "Now"),
    ("/ui/admin/usage", "Usage"),
    ("/ui/admin/users", "Users"),
    ("/ui/admin/commissions", "Commissions"),
    ("/ui/admin/projects", "Projects"),
    ("/ui/admin/services", "Services"),
    ("/ui/admin/audit", "Audit log"),
    ("/ui/admin/webhooks", "Webhooks"),
    ("/ui/admin/settings", "Settings"),
)


def entries(links: Sequence[tuple[str, str]], path: str) -> list[NavigationEntry]:
    """Returns links as a page at a path shows them."""
    return [
        NavigationEntry(link, label, is_current=path == link or path.startswith(f"{link}/"))
        for link, label in links
    ]
