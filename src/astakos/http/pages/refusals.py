"""Refusals as pages: what is wrong, how to go on, and the ID of the request."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from astakos.http.faults import Fault, NotAllowed, OutcomeUnknown, ServiceUnavailable
from astakos.http.media_types import HTML_TYPE
from astakos.http.openapi.description import Refusals
from astakos.http.pages.form_addresses import FormPage
from astakos.http.pages.visits import Visit, bare_site, page_before, visit_of
from astakos.http.request import Answer, Request
from astakos.http.web.browser_sessions import login_of
from astakos.http.web.redirects import redirect_within
from astakos.ledger.ports import OutcomeUnknownError, StorageUnavailableError
from astakos.service.service import Service

TITLES: Final[Mapping[int, str]] = {
    403: "You cannot do this",
    404: "Not found",
    405: "This page takes no such request",
    500: "Something went wrong here",
    503: "Not available now",
}
OTHERWISE: Final = "That did not work"
NO_PAGE: Final = "There is no page at this address."


@dataclass(frozen=True, slots=True)
class ForPeople:
    """Wraps a handler whose error responses are pages."""

    refusals: ClassVar[Refusals] = "page"

    handler: Callable[[Service, Request], Awaitable[Answer]]

    async def __call__(self, service: Service, request: Request) -> Answer:
        """Calls the handler, and explains errors on a page."""
        try:
            return await self.handler(service, request)
        except Fault as fault:
            return await refusal_page(service, request, fault)
        except OutcomeUnknownError:
            return await refusal_page(
                service,
                request,
                OutcomeUnknown("Your change may have been made. Look before you try again."),
            )
        except StorageUnavailableError:
            return bare_refusal_page(
                service,
                request,
                ServiceUnavailable("The service is unavailable now. Try again in a moment."),
            )


def wants_page(request: Request) -> bool:
    """Whether a request comes from a browser that shows the answer to somebody."""
    return HTML_TYPE in request.header(b"accept")


async def refusal_page(
    service: Service, request: Request, fault: Fault, form_page: FormPage | None = None
) -> Answer:
    """Explains a refusal on a page; leads from an address that only takes forms to the page of the form."""
    try:
        visit = await visit_of(service, request, await login_of(service, request))
    except StorageUnavailableError:
        return bare_refusal_page(service, request, fault)
    reader = visit.site.reader
    if form_page and (not form_page.for_administrators or (reader and reader.is_administrator)):
        return redirect_within(service, f"{service.base_url}{form_page.path}")
    return _explained(visit, fault)


def bare_refusal_page(service: Service, request: Request, fault: Fault) -> Answer:
    """Explains a refusal on a page, without reading anything."""
    return _explained(Visit(service, request, bare_site(service, request)), fault)


def _explained(visit: Visit, fault: Fault) -> Answer:
    base, message = visit.site.base, fault.message
    start = f"{base}/ui/"
    back = page_before(visit.service, visit.request, f"{visit.service.base_url}/ui/")
    if back == f"{base}{visit.request.path}" and visit.request.method != "POST":
        back = start
    if isinstance(fault, NotAllowed) and visit.request.method == "GET":
        message = "This address only takes forms. Go back to the page that it belongs to."
    return visit.page(
        "refusal.html",
        status=fault.status,
        headers=fault.headers,
        title=TITLES.get(fault.status, OTHERWISE),
        message=message,
        is_defect=fault.status >= 500,
        back=back,
        back_label="Go to the start page" if back == start else "Go back",
    )
