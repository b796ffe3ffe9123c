"""`GET openapi.json` and `GET docs`: the API reference, for programs and for people."""

from asyncio import to_thread
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from astakos.http.browser_protection import POLICY, page_policy
from astakos.http.media_types import HTML_TYPE, HTML_UTF8, JSON_TYPE
from astakos.http.openapi.description import Parameter, Reply, as_text, described
from astakos.http.openapi.document import Announced, Routes, openapi_document
from astakos.http.openapi.reference_page import Reference, compressed, page_of
from astakos.http.pages.visits import bare_site, visit_of
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.http.web.redirects import PRIVATE
from astakos.ledger.ports import StorageUnavailableError
from astakos.pages.site import Site
from astakos.service.service import Service

SEARCH: Final = Parameter("q", "Only show calls and schemas that contain all of these words.", as_text)
LONGEST_SEARCH: Final = 200
FRAMES_KEPT: Final = 8
"""Pages differ in their appearance, and in the name and logo of the service."""
DOCS_HEADERS: Final = {
    **PRIVATE,
    "Vary": f"{PRIVATE['Vary']}, Accept-Encoding",
    POLICY: page_policy(),
}


@described("documentation.openapi", answers={200: Reply(dict[str, Any], [JSON_TYPE])})
def openapi(routes: Routes, announced: Announced, base_url: str) -> Answer:
    """Returns this OpenAPI document."""
    document = openapi_document(routes, announced, base_url)
    return Answer(body=to_json(document), media_type=JSON_TYPE)


@described(
    "documentation.docs",
    parameters=[SEARCH],
    answers={200: Reply(media_types=[HTML_TYPE], headers=[POLICY])},
)
def docs(reference: Reference, site: Site, search: str) -> bytes:
    """Returns the API reference as an HTML page."""
    return page_of(reference, site, search)


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


@dataclass(frozen=True, slots=True)
class ReferencePage:
    """The page of the API reference. The parts of it, and the pages that show all, are built once."""

    handler: ClassVar = staticmethod(docs)

    routes: Callable[[], Routes]
    announced: Announced
    references: dict[str, Reference] = field(default_factory=dict)
    made: dict[tuple[str, ...], tuple[bytes, bytes]] = field(default_factory=dict)

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Returns the page, or what of it contains the words that somebody searches for."""
        search = (SEARCH.of(request) or "").strip()[:LONGEST_SEARCH]
        try:
            site = (await visit_of(service, request)).site
        except StorageUnavailableError:
            site = bare_site(service, request)
        reference = self.references.get(service.base_url)
        if reference is None:
            # Takes half a second, in which others are served.
            reference = await to_thread(self._reference, service.base_url)
        if search:
            return Answer(200, docs(reference, site, search), HTML_UTF8, DOCS_HEADERS)
        key = (service.base_url, site.base, site.theme, site.service_name, str(site.has_logo))
        if key not in self.made:
            if len(self.made) >= FRAMES_KEPT:
                self.made.clear()
            page = docs(reference, site, "")
            self.made[key] = page, compressed(page)
        page, small = self.made[key]
        if "gzip" in request.header(b"accept-encoding"):
            return Answer(200, small, HTML_UTF8, {**DOCS_HEADERS, "Content-Encoding": "gzip"})
        return Answer(200, page, HTML_UTF8, DOCS_HEADERS)

    def _reference(self, base_url: str) -> Reference:
        made = Reference(openapi_document(self.routes(), self.announced, base_url))
        return self.references.setdefault(base_url, made)
