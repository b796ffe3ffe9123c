"""The application: handles each request, and turns faults into responses."""

import asyncio
import logging
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from astakos.clock import MICROSECONDS
from astakos.events.change_allowance import (
    TooManyApplicationsError,
    TooManyChangesError,
    TooManyChangesOfMembershipError,
    TooManyKeysError,
)
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
    TooManyApplications,
    TooManyChanges,
    TooManyChangesOfMembership,
    TooManyKeys,
)
from astakos.http.forwarding import ProxyWarning, caller_network
from astakos.http.keystone.errors import error_answer, is_keystone_path
from astakos.http.media_types import HTML_UTF8, JSON_UTF8
from astakos.http.pages.form_addresses import page_of_form
from astakos.http.pages.refusals import NO_PAGE, bare_refusal_page, refusal_page, wants_page
from astakos.http.recent_figures import RecentFigures, in_this_process
from astakos.http.request import NO_SUCH_CALL, XML, Answer, Request
from astakos.http.request_counts import ConnectionCounts, RequestCounts, report_of
from astakos.http.request_ids import RequestIds
from astakos.http.routes import API_PREFIXES, TABLE, find_route
from astakos.http.serialization import fault_to_xml, to_json
from astakos.http.unavailability import fault_of
from astakos.ledger.embedded_engine import EmbeddedLedger
from astakos.ledger.ports import StorageUnavailableError
from astakos.logs import request_id
from astakos.service.admission import current_caller
from astakos.service.service import Service

log = logging.getLogger("astakos.http")
requests_log = logging.getLogger("astakos.http.requests")

GONE = 499
"""Logged in place of a status if the client disconnected before it had sent its whole request."""

TOO_MANY: Mapping[type[TooManyChangesError], type[TooManyChanges]] = {
    TooManyChangesError: TooManyChanges,
    TooManyApplicationsError: TooManyApplications,
    TooManyChangesOfMembershipError: TooManyChangesOfMembership,
    TooManyKeysError: TooManyKeys,
}
FOR_PROGRAMS = (*API_PREFIXES, "/authz/", "/admin/", "/healthz", "/readyz", "/openapi.json", "/oauth2/token")
NOT_FOUND = (
    b"<!DOCTYPE html><title>Not found</title><h1>Not found</h1><p>There is no page at this address.</p>\n"
)


class Application:
    """Serves one service over HTTP, whoever reads the requests and writes the responses."""

    def __init__(self, service: Service, dialect: Dialect = NEWEST) -> None:
        """Serves the service below the path of its base URL, in one dialect of the API."""
        self.service = service
        self.requests = RequestCounts()
        if isinstance(service.ledger, EmbeddedLedger):
            figures = RecentFigures(
                service.ledger.engine,
                lambda: (1, report_of(0, self.requests, service.ledger, ConnectionCounts())),
            )
            service.ask_figures = in_this_process(figures)
        self._dialect = dialect
        self._prefix = urlsplit(service.base_url).path.rstrip("/")
        self._request_ids = RequestIds()
        self._proxy_warning = ProxyWarning(service.proxies)

    @property
    def is_ending(self) -> bool:
        """Whether `/readyz` says that the service is shutting down."""
        return self.service.readiness.is_ending

    async def start(self) -> None:
        """Starts what needs the event loop."""
        await self.service.ledger.start()
        self.service.key_uses.start()
        self.service.session_uses.start()

    def prepare_to_stop(self) -> None:
        """Makes `/readyz` say that the service is shutting down."""
        self.service.readiness.is_ending = True

    async def stop(self) -> None:
        """Stops it, when no request is under way."""
        await asyncio.gather(self.service.key_uses.stop(), self.service.session_uses.stop())
        await self.service.ledger.stop()
        self.service.close()

    def request_of(
        self, method: str, target: bytes, headers: Mapping[bytes, bytes], peer: tuple[str, int] | None
    ) -> Request:
        """Returns a request whose head has arrived."""
        request = Request(
            method,
            target,
            headers,
            self._dialect,
            prefix=self._prefix,
            peer=peer,
            request_id=self._request_ids.id_of(headers.get(request_ids.HEADER)),
            began=time.perf_counter(),
        )
        self._proxy_warning.look_at(request)
        if not request.is_outside:
            find_route(request)
        return request

    def body_limit(self, request: Request) -> int:
        """Returns how many bytes of body a request needs at most; 0 if it can be answered without."""
        return 0 if request.found is None else request.found.body_limit(request)

    async def respond(self, request: Request) -> Answer:
        """Returns the response to a request; faults and defects are responses, too."""
        request_id.set(request.id)
        current_caller.set(caller_network(self.service.proxies, request))
        answer = await self._answered(request)
        # Count before sending: a client that has its response must find the request counted.
        self._note(request, answer.status)
        return answer

    def note_gone(self, request: Request) -> None:
        """Counts a request whose client disconnected before it had sent all of it."""
        self._note(request, GONE)

    def refusal_of(self, status: int, message: str) -> tuple[Answer, str]:
        """Returns the response, and its ID, to what is not an acceptable request."""
        fault = _framing_fault(status, message)
        return Answer(status, to_json(fault.envelope()), JSON_UTF8, fault.headers), self._request_ids.id_of(
            None
        )

    def defect(self, request: Request, error: BaseException) -> Answer:
        """Returns the response to a request that met a defect of the code, which is logged."""
        log.error("request failed: %s %s", request.method, request.route, exc_info=error)
        try:
            return self._refusal(request, InternalServerError())
        except Exception:
            # What renders pages can be the very defect.
            log.exception("the page about it could not be made")
            return _fault_answer(request, InternalServerError())

    async def _answered(self, request: Request) -> Answer:
        if request.is_outside:
            return self._no_page(request)
        try:
            return await self._answer(request)
        except Fault as fault:
            return await self._refused(request, fault)
        except TooManyChangesError as error:
            seconds = -(-(error.again - self.service.now()) // MICROSECONDS)
            return await self._refused(request, TOO_MANY[type(error)](max(1, seconds)))
        except StorageUnavailableError as error:
            log.debug("storage unavailable: %s %s: %s", request.method, request.route, error)
            return self._refusal(request, fault_of(error))
        except Exception as error:  # noqa: BLE001 - it is logged there
            return self.defect(request, error)

    async def _answer(self, request: Request) -> Answer:
        route = request.found
        if route is None:
            if is_keystone_path(request.path):
                raise ItemNotFound(NO_SUCH_CALL)
            if request.path.startswith(API_PREFIXES):
                raise BadRequest(NO_SUCH_CALL)
            raise ItemNotFound(NO_PAGE)
        methods = route.methods
        handler = route.handler_of(request.method)
        if handler is None and is_keystone_path(request.path):
            raise NotAllowed.method(request.method, tuple(methods))
        if handler is None:
            raise request.dialect.wrong_method(request.method, tuple(methods))
        return await handler(self.service, request)

    async def _refused(self, request: Request, fault: Fault) -> Answer:
        if _is_for_people(request):
            form_page = page_of_form(TABLE, request) if isinstance(fault, NotAllowed) else None
            return await refusal_page(self.service, request, fault, form_page)
        if (
            request.found is None
            and not request.path.startswith(API_PREFIXES)
            and not is_keystone_path(request.path)
        ):
            return self._no_page(request)
        return self._refusal(request, fault)

    def _no_page(self, request: Request) -> Answer:
        if wants_page(request):
            return bare_refusal_page(self.service, request, ItemNotFound(NO_PAGE))
        return Answer(404, NOT_FOUND, HTML_UTF8)

    def _refusal(self, request: Request, fault: Fault) -> Answer:
        """Returns a refusal, without reading anything."""
        if _is_for_people(request):
            return bare_refusal_page(self.service, request, fault)
        if is_keystone_path(request.path):
            return error_answer(fault, self.service.base_url)
        return _fault_answer(request, fault)

    def _note(self, request: Request, status: int) -> None:
        seconds = time.perf_counter() - request.began
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


def _is_for_people(request: Request) -> bool:
    """Returns whether a refusal is a page. The API is for programs, some of which accept anything."""
    return wants_page(request) and not request.path.startswith(FOR_PROGRAMS)


class FramingFault(Fault):
    """What arrived is not an acceptable HTTP request."""

    def __init__(self, status: int, name: str, message: str) -> None:
        """Sets the status and the name of the fault."""
        super().__init__(message)
        self.status = status
        self.name = name


FRAMING_FAULTS: Mapping[int, str] = {
    405: "notAllowed",
    408: "requestTimeout",
    413: "overLimit",
    417: "expectationFailed",
    431: "requestHeaderFieldsTooLarge",
    505: "httpVersionNotSupported",
}


def _framing_fault(status: int, message: str) -> Fault:
    if status == 503:
        return ServiceUnavailable(message)
    return FramingFault(status, FRAMING_FAULTS.get(status, "badRequest"), message)


def _fault_answer(request: Request, fault: Fault) -> Answer:
    if request.serialization == XML:
        body = fault_to_xml(fault.name, fault.status, fault.message)
    else:
        body = to_json(fault.envelope())
    return Answer(fault.status, body, headers=fault.headers)
