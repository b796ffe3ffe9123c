"""Addresses that only take forms, and the page that each belongs to, for whoever comes there another way."""

from typing import Final, NamedTuple
from urllib.parse import quote

from astakos.http.request import Request
from astakos.http.routing import RouteTable

PAGES: Final = "/ui/"


class FormPage(NamedTuple):
    """The path of a page below the base URL, and whether only administrators may know of it."""

    path: str
    for_administrators: bool


def page_of_form(table: RouteTable, request: Request) -> FormPage | None:
    """Returns the page that an address belongs to which only takes forms: the nearest one above it.

    Args:
        table: All routes.
        request: A request that the address does not take.

    Returns:
        The page; None if the request does not ask for one, or the address takes something else than forms.
    """
    if request.method not in ("GET", "HEAD") or not request.path.startswith(PAGES) or request.found is None:
        return None
    action = request.found.methods.get("POST")
    if action is None:
        return None
    path = request.path
    while len(path) > len(PAGES):
        path = path.rpartition("/")[0]
        route, _ = table.find(path)
        if route is not None and getattr(route.methods.get("GET"), "is_page", False):
            break
    else:
        path = PAGES
    inner = getattr(action, "handler", None)
    return FormPage(quote(path), bool(getattr(inner, "for_administrators", False)))
