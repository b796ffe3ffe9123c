"""The spans of requests that the tests with a real service do not make."""

import asyncio
import time

import pytest
from opentelemetry.trace import StatusCode

from astakos.http.dialects.newest import NEWEST
from astakos.http.request import Answer, Request
from astakos.http.routes import find_route
from astakos.server.answers import LastBytes
from astakos.server.traced_site import TracedSite
from service.server.doubles import EchoSite
from service.tracing.recorded import Recorded

BASE_URL = "http://[2001:db8::1]:8000/base"


class Site(EchoSite):
    """Answers as it is told to."""

    def __init__(self, answer: Answer | LastBytes | Exception) -> None:
        super().__init__()
        self.answer = answer
        self.ended: list[str] = []

    async def respond(self, request: Request) -> Answer | LastBytes:  # type: ignore[override]
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def stop(self) -> None:
        self.ended.append("site")


def respond(recorded: Recorded, site: Site, method: str = "GET", path: str = "/healthz") -> None:
    request = Request(
        method, f"/base{path}".encode(), {}, NEWEST, prefix="/base", request_id="7", began=time.perf_counter()
    )
    find_route(request)
    traced = TracedSite(site, recorded.tracer, BASE_URL, lambda: site.ended.append("traces"))
    asyncio.run(traced.respond(request))


def test_a_failure_of_the_service_is_an_error() -> None:
    recorded = Recorded()
    respond(recorded, Site(Answer(503)))
    span = recorded.one()
    assert (span.name, span.status.status_code) == ("GET /base/healthz", StatusCode.ERROR)
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/base/healthz",
        "url.path": "/base/healthz",
        "url.scheme": "http",
        "server.address": "2001:db8::1",
        "server.port": 8000,
        "http.request.header.x-request-id": ("7",),
        "http.response.status_code": 503,
        "error.type": "503",
    }


@pytest.mark.parametrize("answer", [Answer(404), LastBytes(b"HTTP/1.1 200")])
def test_a_failure_of_the_caller_is_none(answer: Answer | LastBytes) -> None:
    recorded = Recorded()
    respond(recorded, Site(answer))
    assert recorded.one().status.status_code == StatusCode.UNSET


def test_methods_and_paths_that_callers_make_up_are_not_told() -> None:
    recorded = Recorded()
    respond(recorded, Site(Answer(404)), "SECRET", "/secret")
    span = recorded.one()
    assert span.name == "HTTP"
    assert span.attributes is not None
    assert span.attributes["http.request.method"] == "_OTHER"
    assert "secret" not in span.to_json().lower()


def test_a_defect_ends_the_span_and_reaches_the_server() -> None:
    recorded = Recorded()
    with pytest.raises(ZeroDivisionError):
        respond(recorded, Site(ZeroDivisionError("secret")))
    span = recorded.one()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ZeroDivisionError"
    assert "secret" not in span.to_json()


def test_requests_one_after_the_other_are_not_within_each_other() -> None:
    recorded = Recorded()
    for _ in range(2):
        respond(recorded, Site(Answer()))
    assert [span.parent for span in recorded.spans()] == [None, None]


def test_the_last_traces_are_exported_before_the_ledger_is_let_go() -> None:
    site = Site(Answer())
    traced = TracedSite(site, Recorded().tracer, BASE_URL, lambda: site.ended.append("traces"))
    asyncio.run(traced.stop())
    assert site.ended == ["traces", "site"]
