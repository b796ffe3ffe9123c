"""`ui`: what pages of other components fetch for their menus (`http-api.md` §10)."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from astakos.directory.catalog import menu
from astakos.http.faults import BadRequest
from astakos.http.messages import Answer, Request
from astakos.http.serialization import to_json
from astakos.http.service import Service
from astakos.http.sessions import agreement, login_of
from astakos.storage import registry

FUNCTION_NAME = re.compile(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*", re.ASCII)


async def start(service: Service, _request: Request) -> Answer:
    """The base URL itself, and the pages without their slash: on to the pages for people."""
    return _moved(service, "/ui/")


async def weblogin(service: Service, _request: Request) -> Answer:
    """`weblogin`: on to where its slash is."""
    return _moved(service, "/weblogin/")


def _moved(service: Service, path: str) -> Answer:
    location = urlsplit(service.base_url).path.rstrip("/") + path
    return Answer(301, media_type="text/html; charset=utf-8", headers={"Location": location})


async def get_services(service: Service, request: Request) -> Answer:
    """`ui/get_services`, by any method: the components in the menu's order; with `callback` as a script."""
    return _scripted(request, menu(await service.read(registry.list_components)))


async def get_menu(service: Service, request: Request) -> Answer:
    """`ui/get_menu`, by any method: the way to log in, or the user's entries; with `callback` as a script."""
    login = await login_of(service, request)
    disagreement = await agreement(service, request, login)
    if disagreement is not None:
        return disagreement
    pages = f"{service.base_url}/ui"
    if login is None:
        return _scripted(request, [{"url": f"{pages}/", "name": "Sign in"}])
    entries: list[dict[str, object]] = [
        {"url": f"{pages}/", "name": login.user.email},
        {"url": f"{pages}/landing", "name": "Dashboard"},
        {"url": f"{pages}/logout", "name": "Sign out"},
    ]
    current = request.header(b"referer").partition("?")[0]
    for entry in entries:
        if entry["url"] == current:
            entry["is_active"] = True
    return _scripted(request, entries)


def _scripted(request: Request, entries: Sequence[Mapping[str, object]]) -> Answer:
    """Entries as JSON, or handed to a function as a script."""
    document = to_json(entries)
    callback = request.query.get("callback")
    if not callback:
        return Answer(body=document, media_type="application/json")
    if not FUNCTION_NAME.fullmatch(callback):
        raise BadRequest("callback must be the name of a JavaScript function.")
    script = callback.encode("ascii") + b"(" + document + b")"
    return Answer(body=script, media_type="application/javascript")
