"""The ASGI application: handles each request, and turns faults into responses."""

import logging
import time
from email.utils import formatdate
from urllib.parse import urlsplit

from astakos.http import request_ids
from astakos.http.dialects.dialect import Dialect
from astakos.http.dialects.newest import NEWEST
from astakos.http.faults import (
    BadRequest,
    Fault,
    InternalServerError,
    ItemNotFound,
    NotAllowed,
    ServiceUnavailable,
)
from astakos.http.keystone.errors import error_answer, is_keystone_path
from astakos.http.media_types import HTML_UTF8, JSON_UTF8, XML_UTF8
from astakos.http.openapi.description import ANY_METHOD
from astakos.http.request import (
    NO_SUCH_CALL,
    XML,
    Answer,
    DisconnectedError,
    Message,
    Receive,
    Request,
    Scope,
    Send,
)
from astakos.http.request_counts import RequestCounts
from astakos.http.request_ids import RequestIds
from astakos.http.routes import API_PREFIXES, announced, find_route
from astakos.http.serialization import fault_to_xml, to_json
from astakos.ledger.ports import StorageUnavailableError
from astakos.logs import request_id
from astakos.service.service import Service

log = logging.getLogger("astakos.http")
requests_log = logging.getLogger("astakos.http.requests")

GONE = 499
"""Logged in place of a status if the client disconnected before it had sent its whole request."""

NEGOTIATED_TYPES = {
    "json": JSON_UTF8,
    "xml": XML_UTF8,
}
NOT_FOUND = (
    b"<!DOCTYPE html><title>Not found</title><h1>Not found</h1><p>There is no page at this address.</p>\n"
)
NEVER_CACHED = (b"cache-control", b"no-cache, no-store, must-revalidate, max-age=0")
VARY = (b"vary", b"X-Auth-Token")


class Application:
    """Serves one service over HTTP."""

    def __init__(self, service: Service, dialect: Dialect = NEWEST) -> None:
        """Serves the service below the path of its base URL, in one dialect of the API."""
        self.service = service
        self.requests = RequestCounts()
        self._dialect = dialect
        self._prefix = urlsplit(service.base_url).path.rstrip("/")
        self._date = (0, b"")
        self._request_ids = RequestIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._respond(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        message: Message = await receive()
        while message["type"] == "lifespan.startup":
            await self.service.ledger.start()
            await send({"type": "lifespan.startup.complete"})
            message = await receive()
        await self.service.ledger.stop()
        self.service.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        path: str = scope["path"]
        below = self._below_base(path)
        request = Request(scope, receive, below or "", self._dialect)
        name = self._request_ids.id_of(request.headers.get(request_ids.HEADER))
        request_id.set(name)
        if below is None:
            answer: Answer | None = Answer(404, NOT_FOUND, HTML_UTF8)
        else:
            answer = await self._answered(request)
        # Count before sending: a client that has its response must find the request counted.
        self._note(request, GONE if answer is None else answer.status, time.perf_counter() - began)
        if answer is not None:
            await self._send(send, answer, request, name)

    def _below_base(self, path: str) -> str | None:
        """Returns the part of a path below the base URL: "" for the root, None if it is not below it."""
        if path in ("/", self._prefix):
            return ""
        return path[len(self._prefix) :] if path.startswith(self._prefix + "/") else None

    async def _answered(self, request: Request) -> Answer | None:
        """Returns the response, also for a fault. Returns None if the client has disconnected."""
        try:
            return await self._answer(request)
        except Fault as fault:
            return self._refusal(request, fault)
        except StorageUnavailableError as error:
            log.debug("storage unavailable: %s %s: %s", request.method, request.route, error)
            return self._refusal(request, ServiceUnavailable(f"The service is unavailable now: {error}."))
        except DisconnectedError:
            return None
        except Exception:
            log.exception("request failed: %s %s", request.method, request.route)
            return self._refusal(request, InternalServerError())

    async def _answer(self, request: Request) -> Answer:
        route = find_route(request)
        if route is None:
            if is_keystone_path(request.path):
                raise ItemNotFound(NO_SUCH_CALL)
            if request.path.startswith(API_PREFIXES):
                raise BadRequest(NO_SUCH_CALL)
            return Answer(404, NOT_FOUND, HTML_UTF8)
        methods = route.methods
        handler = methods.get(request.method) or methods.get(ANY_METHOD)
        if handler is None and is_keystone_path(request.path):
            raise NotAllowed.method(request.method, tuple(methods))
        if handler is None:
            raise request.dialect.wrong_method(request.method, tuple(methods))
        return await handler(self.service, request)

    def _refusal(self, request: Request, fault: Fault) -> Answer:
        if is_keystone_path(request.path):
            return error_answer(fault, self.service.base_url)
        return _fault_answer(request, fault)

    def _note(self, request: Request, status: int, seconds: float) -> None:
        self.requests.add(request.route, request.method, status, seconds)
        if requests_log.isEnabledFor(logging.INFO):
            milliseconds = round(seconds * 1000, 1)
            fields = {
                "method": request.method,
                "route": request.route,
                "status": status,
                "milliseconds": milliseconds,
            }
            requests_log.info(
                "%s %s %d in %s ms",
                request.method,
                request.route,
                status,
                milliseconds,
                extra={"fields": fields},
            )

    async def _send(self, send: Send, answer: Answer, request: Request, name: str) -> None:
        body = answer.body
        date = self._now()
        media_type = answer.media_type or NEGOTIATED_TYPES[request.serialization]
        headers = [
            (b"content-type", media_type.encode("latin-1")),
            (b"content-length", b"%d" % len(body)),
            NEVER_CACHED,
            (b"expires", date),
            (b"last-modified", date),
            VARY,
            (request_ids.HEADER, name.encode("ascii")),
            *announced(request.path),
        ]
        headers += [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers.items()
        ]
        headers += [(b"set-cookie", cookie.encode("latin-1")) for cookie in answer.cookies]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _now(self) -> bytes:
        """Returns the current time as an HTTP date, formatted once per second."""
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
