"""`ui`: what pages of other components fetch for their menus (`http-api.md` §10)."""

import re
from urllib.parse import urlsplit

from astakos.directory.catalog import menu
from astakos.http.description import HTML_TYPE, JSON_TYPE, Parameter, Reply, described
from astakos.http.faults import BadRequest
from astakos.http.messages import Answer, Request
from astakos.http.serialization import to_json
from astakos.http.service import Service
from astakos.storage import registry
from astakosclient.answer_types import Service as Component

FUNCTION_NAME = re.compile(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*", re.ASCII)
SCRIPT_TYPE = "application/javascript"
HTML = f"{HTML_TYPE}; charset=utf-8"
MOVED = Reply(media_types=(), headers=["Location"])


@described(answers={301: MOVED})
async def start(service: Service, _request: Request) -> Answer:
    """The base URL itself, and the pages without their slash: on to the pages for people."""
    return _moved(service, "/ui/")


@described(answers={301: MOVED})
async def weblogin(service: Service, _request: Request) -> Answer:
    """`weblogin`: on to where its slash is."""
    return _moved(service, "/weblogin/")


def _moved(service: Service, path: str) -> Answer:
    location = urlsplit(service.base_url).path.rstrip("/") + path
    return Answer(301, media_type=HTML, headers={"Location": location})


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
    parameters=[CALLBACK],
    answers={200: [Reply(list[Component], [JSON_TYPE]), Reply(media_types=[SCRIPT_TYPE])]},
    faults=[BadRequest],
)
async def get_services(service: Service, request: Request) -> Answer:
    """`ui/get_services`, by any method: the components in the menu's order; with `callback` as a script."""
    callback = CALLBACK.of(request)
    document = to_json(menu(await service.read(registry.list_components)))
    if not callback:
        return Answer(body=document, media_type=JSON_TYPE)
    script = callback.encode("ascii") + b"(" + document + b")"
    return Answer(body=script, media_type=SCRIPT_TYPE)
