"""The ASGI application: from a request to its answer, with every fault on the way."""

import logging
import time
from collections.abc import Iterable
from email.utils import formatdate
from urllib.parse import urlsplit

from astakos.http.faults import BadRequest, Fault, InternalServerError, NotAllowed, ServiceUnavailable
from astakos.http.messages import XML, Answer, DisconnectedError, Message, Receive, Request, Scope, Send
from astakos.http.routes import ANY_METHOD, API_PREFIXES, COMMISSIONS, SUPPORTS, find_route
from astakos.http.serialization import fault_to_xml, to_json
from astakos.http.service import Service
from astakos.ledger.storage import StorageUnavailableError

log = logging.getLogger("astakos.http")

NEGOTIATED_TYPES = {
    "json": "application/json; charset=UTF-8",
    "xml": "application/xml; charset=UTF-8",
}
NOT_FOUND = (
    b"<!DOCTYPE html><title>Not found</title><h1>Not found</h1><p>There is nothing at this address.</p>\n"
)
HTML = "text/html; charset=utf-8"
NEVER_CACHED = (b"cache-control", b"no-cache, no-store, must-revalidate, max-age=0")
VARY = (b"vary", b"X-Auth-Token")


class Application:
    """Answers HTTP for one service."""

    def __init__(self, service: Service) -> None:
        """Serve it below the path of its base URL."""
        self._service = service
        self._prefix = urlsplit(service.base_url).path.rstrip("/")
        self._date = (0, b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The entry point that an ASGI server calls."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._respond(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        message: Message = await receive()
        while message["type"] == "lifespan.startup":
            await self._service.ledger.start()
            await send({"type": "lifespan.startup.complete"})
            message = await receive()
        await self._service.ledger.stop()
        self._service.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if not path.startswith(self._prefix + "/"):
            await self._send(send, Answer(404, NOT_FOUND, HTML), HTML)
            return
        request = Request(scope, receive, path[len(self._prefix) :])
        try:
            answer = await self._answer(request)
        except Fault as fault:
            answer = _fault_answer(request, fault)
        except StorageUnavailableError as error:
            log.debug("%s %s could not be done: %s", request.method, request.path, error)
            answer = _fault_answer(request, ServiceUnavailable(f"The service can not do this now: {error}."))
        except DisconnectedError:
            return
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            answer = _fault_answer(request, InternalServerError())
        announced = SUPPORTS if request.path.startswith(COMMISSIONS) else ()
        await self._send(send, answer, NEGOTIATED_TYPES[request.serialization], announced)

    async def _answer(self, request: Request) -> Answer:
        route = find_route(request)
        if route is None:
            if request.path.startswith(API_PREFIXES):
                raise BadRequest("There is no such call; see the documentation of the API.")
            return Answer(404, NOT_FOUND, HTML)
        handler = route.get(request.method) or route.get(ANY_METHOD)
        if handler is None:
            raise NotAllowed(request.method, tuple(route))
        return await handler(self._service, request)

    async def _send(
        self, send: Send, answer: Answer, negotiated: str, announced: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        body = answer.body
        date = self._now()
        headers = [
            (b"content-type", (answer.media_type or negotiated).encode("latin-1")),
            (b"content-length", b"%d" % len(body)),
            NEVER_CACHED,
            (b"expires", date),
            (b"last-modified", date),
            VARY,
            *announced,
        ]
        headers += [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers.items()
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _now(self) -> bytes:
        """The present time as HTTP writes it, made once a second."""
        second = int(time.time())
        if second != self._date[0]:
            self._date = (second, formatdate(second, usegmt=True).encode("ascii"))
        return self._date[1]


def _fault_answer(request: Request, fault: Fault) -> Answer:
    if request.serialization == XML:
        body = fault_to_xml(fault.name, fault.status, fault.message)
    else:
        body = to_json(fault.envelope())
    return Answer(fault.status, body, headers=fault.headers)
