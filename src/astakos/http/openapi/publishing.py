"""`GET openapi.json` and `GET docs`: the API described by itself, for programs and for people."""

from typing import Any

from astakos.http.openapi.description import HTML_TYPE, JSON_TYPE, Reply, described
from astakos.http.openapi.document import Announced, Routes, openapi_document
from astakos.http.openapi.reference_page import page_of
from astakos.http.request import Answer
from astakos.http.serialization import to_json

HTML_IN_UTF8 = f"{HTML_TYPE}; charset=utf-8"
POLICY = "Content-Security-Policy"
STYLES_ONLY = {
    POLICY: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
}
"""The page needs neither scripts nor anything from elsewhere, so a browser need not allow it any."""


@described("documentation.openapi", answers={200: Reply(dict[str, Any], [JSON_TYPE])})
def openapi(routes: Routes, announced: Announced, base_url: str) -> Answer:
    """`GET openapi.json`: this document."""
    document = openapi_document(routes, announced, base_url)
    return Answer(body=to_json(document), media_type=JSON_TYPE)


@described("documentation.docs", answers={200: Reply(media_types=[HTML_TYPE], headers=[POLICY])})
def docs(routes: Routes, announced: Announced, base_url: str) -> Answer:
    """`GET docs`: the same as a page for people."""
    page = page_of(openapi_document(routes, announced, base_url))
    return Answer(body=page.encode("utf-8"), media_type=HTML_IN_UTF8, headers=STYLES_ONLY)
