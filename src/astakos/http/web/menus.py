"""`ui`: what other components' pages fetch for their menus (`http-api.md` §10)."""

import re
from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict
from urllib.parse import urlsplit

from astakos.directory.service_catalog import menu
from astakos.http.faults import BadRequest
from astakos.http.media_types import HTML_UTF8, JSON_TYPE, SCRIPT_TYPE
from astakos.http.openapi.description import ELSEWHERE, Parameter, Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.http.web.browser_sessions import agreement, login_of
from astakos.service.service import Service
from astakos.storage.tables import registry
from astakosclient.answer_types import Service as Component

FUNCTION_NAME = re.compile(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*", re.ASCII)


class MenuEntry(TypedDict):
    """An entry in the menu that all components show."""

    url: str
    name: str
    is_active: NotRequired[bool]


@described("ui.start", answers={301: ELSEWHERE})
async def start(service: Service, _request: Request) -> Answer:
    """Redirects to the web pages."""
    return _moved(service, "/ui/")


@described("ui.weblogin", answers={301: ELSEWHERE})
async def weblogin(service: Service, _request: Request) -> Answer:
    """Redirects to the path with a slash at the end."""
    return _moved(service, "/weblogin/")


def _moved(service: Service, path: str) -> Answer:
    location = urlsplit(service.base_url).path.rstrip("/") + path
    return Answer(301, media_type=HTML_UTF8, headers={"Location": location})


def _function_name(text: str) -> str:
    if text and not FUNCTION_NAME.fullmatch(text):
        raise ValueError(text)
    return text


CALLBACK = Parameter(
    "callback",
    "The JavaScript function that the returned script calls with the list.",
    _function_name,
    "the name of a JavaScript function",
    {"type": "string", "pattern": r"^([A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*)?$"},
)


@described(
    "ui.get_services",
    parameters=[CALLBACK],
    answers={200: [Reply(list[Component], [JSON_TYPE]), Reply(media_types=[SCRIPT_TYPE])]},
    faults=[BadRequest],
)
async def get_services(service: Service, request: Request) -> Answer:
    """Lists the components in menu order. With a callback, returns a script."""
    return _scripted(request, menu(await service.read(registry.list_components)))


@described(
    "ui.get_menu",
    parameters=[CALLBACK],
    answers={
        200: [Reply(list[MenuEntry], [JSON_TYPE]), Reply(media_types=[SCRIPT_TYPE])],
        302: ELSEWHERE,
    },
    faults=[BadRequest],
)
async def get_menu(service: Service, request: Request) -> Answer:
    """Lists the user's menu entries, or a login link. With a callback, returns a script."""
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
    """Returns entries as JSON, or as a script that passes them to a function."""
    callback = CALLBACK.of(request)
    document = to_json(entries)
    if not callback:
        return Answer(body=document, media_type=JSON_TYPE)
    script = callback.encode("ascii") + b"(" + document + b")"
    return Answer(body=script, media_type=SCRIPT_TYPE)
