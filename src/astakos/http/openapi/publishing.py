"""`GET openapi.json` and `GET docs`: the API reference, for programs and for people."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from astakos.http.browser_protection import POLICY, styled_page_policy
from astakos.http.media_types import HTML_TYPE, HTML_UTF8, JSON_TYPE
from astakos.http.openapi.description import Reply, described
from astakos.http.openapi.document import Announced, Routes, openapi_document
from astakos.http.openapi.reference_page import STYLE, page_of
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service

DOCS_HEADERS = {POLICY: f"{styled_page_policy(STYLE)}; form-action 'none'"}


@described("documentation.openapi", answers={200: Reply(dict[str, Any], [JSON_TYPE])})
def openapi(routes: Routes, announced: Announced, base_url: str) -> Answer:
    """Returns this OpenAPI document."""
    document = openapi_document(routes, announced, base_url)
    return Answer(body=to_json(document), media_type=JSON_TYPE)


@described("documentation.docs", answers={200: Reply(media_types=[HTML_TYPE], headers=[POLICY])})
def docs(routes: Routes, announced: Announced, base_url: str) -> Answer:
    """Returns the API reference as an HTML page."""
    page = page_of(openapi_document(routes, announced, base_url))
    return Answer(body=page.encode("utf-8"), media_type=HTML_UTF8, headers=DOCS_HEADERS)


@dataclass(frozen=True, slots=True)
class OfAllRoutes:
    """A handler whose response depends only on the routes and the base URL, and is built once."""

    handler: Callable[[Routes, Announced, str], Answer]
    routes: Callable[[], Routes]
    announced: Announced
    made: dict[str, Answer] = field(default_factory=dict)

    async def __call__(self, service: Service, _request: Request) -> Answer:
        """Returns the response, and builds it on the first call."""
        base_url = service.base_url
        if base_url not in self.made:
            self.made[base_url] = self.handler(self.routes(), self.announced, base_url)
        return self.made[base_url]
