"""A site whose requests are traced: a server span for each, within the span of its caller.

Paths can have tokens, invitations and UUIDs of people in them, so that spans have routes in their place,
whose variables stay in braces. Addresses and user agents of callers, queries and bodies are not recorded.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from astakos.http.request import Answer, Request
from astakos.server.answers import LastBytes
from astakos.server.site import Site
from astakos.tracing.tracer import Tracer, fail

METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
OTHER_METHOD, OTHER_NAME = "_OTHER", "HTTP"
"""What stands for a method that callers have made up: the attribute, and the name of the span."""
NANOSECONDS: Final = 1e9
PORTS: Final = {"http": 80, "https": 443}


class TracedSite:
    """Passes everything on to another site, and traces how it responds."""

    def __init__(self, site: Site, tracer: Tracer, base_url: str, flush: Callable[[], None]) -> None:
        """Traces a site.

        Args:
            site: what answers.
            tracer: records the spans.
            base_url: of the service, which says its address and what its routes begin with.
            flush: exports the last spans; it can take seconds.
        """
        self.start = site.start
        self.prepare_to_stop = site.prepare_to_stop
        self.request_of = site.request_of
        self.body_limit = site.body_limit
        self.note_gone = site.note_gone
        self.refusal_of = site.refusal_of
        self.defect = site.defect
        self._site = site
        self._tracer = tracer
        self._flush = flush
        base = urlsplit(base_url)
        self._prefix = base.path.rstrip("/")
        self._of_all: dict[str, str | int] = {
            "url.scheme": base.scheme,
            "server.address": base.hostname or "",
            "server.port": base.port or PORTS.get(base.scheme, 0),
        }

    @property
    def is_ending(self) -> bool:
        """Whether the site is."""
        return self._site.is_ending

    async def stop(self) -> None:
        """Exports the last spans, then stops the site: without its ledger, the process ends at once."""
        await asyncio.to_thread(self._flush)
        await self._site.stop()

    async def respond(self, request: Request) -> Answer | LastBytes:
        """Works out the answer within a span that begins when the head of the request has arrived."""
        waited = time.perf_counter() - request.began
        attributes = {
            **self._of_all,
            "http.request.method": request.method if request.method in METHODS else OTHER_METHOD,
        }
        name = request.method if request.method in METHODS else OTHER_NAME
        if request.found is not None:
            route = (self._prefix + request.found.template) or "/"
            attributes["http.route"] = attributes["url.path"] = route
            name = f"{name} {route}"
        began = time.time_ns() - int(waited * NANOSECONDS)
        span = self._tracer.server_span(name, request.headers, attributes, began)
        try:
            span.set_attribute("http.request.header.x-request-id", (request.id,))
            answer = await self._site.respond(request)
            if isinstance(answer, Answer):
                span.set_attribute("http.response.status_code", answer.status)
                if answer.status >= 500:
                    fail(span, str(answer.status))
        except BaseException as error:
            fail(span, type(error).__name__)
            raise
        finally:
            span.end()
        return answer
