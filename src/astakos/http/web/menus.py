"""`ui`: what pages of other components fetch for their menus (`http-api.md` §10)."""

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
    """An entry of the menu that all components show."""

    url: str
    name: str
    is_active: NotRequired[bool]


@described("ui.start", answers={301: ELSEWHERE})
async def start(service: Service, _request: Request) -> Answer:
    """The base URL itself, and the pages without their slash: on to the pages for people."""
    return _moved(service, "/ui/")


@described("ui.weblogin", answers={301: ELSEWHERE})
async def weblogin(service: Service, _request: Request) -> Answer:
    """`weblogin`: on to where its slash is."""
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
    "The JavaScript function that a script calls with the answer.",
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
    """`ui/get_services`, by any method: the components in the menu's order; with `callback` as a script."""
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
    callback = CALLBACK.of(request)
    document = to_json(entries)
    if not callback:
        return Answer(body=document, media_type=JSON_TYPE)
    script = callback.encode("ascii") + b"(" + document + b")"
    return Answer(body=script, media_type=SCRIPT_TYPE)
