"""`weblogin/login`: logs a user in for another component's page (`identity-and-projects.md` §6).

`renew` and `force` end sessions and tokens. Any page can make a browser follow a link, so these flags count
at once only in a link on one of this service's own pages. Otherwise a page asks the user first.
"""

from collections.abc import Mapping
from typing import NamedTuple, NotRequired, TypedDict
from urllib.parse import urlencode, urlsplit

from astakos.directory.login_settings import LoginSettings
from astakos.directory.redirects import is_allowed_next, with_query
from astakos.http.faults import BadRequest, Fault, Forbidden
from astakos.http.forms import FormBody, read_form
from astakos.http.openapi.description import ELSEWHERE, PAGE, Parameter, Reply, as_text, described
from astakos.http.pages.refusals import refusal_page, wants_page
from astakos.http.pages.visits import OWN_FORMS, Visit, form_source, visit_of
from astakos.http.request import Answer, Request
from astakos.http.web import browser_sessions
from astakos.http.web.browser_sessions import (
    Login,
    agreement,
    login_address,
    login_of,
    require_own_form,
    require_own_site,
    terms_address,
)
from astakos.http.web.cookies import Cookies
from astakos.http.web.redirects import plain, redirect, redirect_within
from astakos.service.service import Service

TEXT_OR_PAGE = (Reply(media_types=["text/plain"]), PAGE)
NEXT, RENEW, FORCE = "next", "renew", "force"
ASK = "ask"
"""Marks the address after a login that another site has asked for: the login is no consent to a renewal."""


class Wish(NamedTuple):
    """What is asked for.

    Attributes:
        next: Where to send the browser with the token.
        renews: Whether the user gets a new token first.
        forces: Whether the user must log in again first.
    """

    next: str
    renews: bool
    forces: bool

    @property
    def ends_something(self) -> bool:
        """Whether it ends sessions or tokens of the user."""
        return self.renews or self.forces


class Confirmation(TypedDict):
    """What the user has been asked."""

    next: NotRequired[str]
    renew: NotRequired[str]
    force: NotRequired[str]
    csrf_token: NotRequired[str]


@described(
    "weblogin.login",
    parameters=[
        Parameter(NEXT, "The URL that receives the UUID and the token.", as_text),
        Parameter(RENEW, "If present and empty, renews the token first.", as_text),
        Parameter(
            FORCE, "If present and empty, ends the session, so that the user must log in again.", as_text
        ),
    ],
    answers={200: PAGE, 302: ELSEWHERE, 400: TEXT_OR_PAGE, 403: TEXT_OR_PAGE},
)
async def login(service: Service, request: Request) -> Answer:
    """Redirects to next with the user's UUID and token, after a login if needed.

    If the request does not come from a page of this service, asks the user before it renews or forces.
    """
    found = await login_of(service, request)
    disagreement = await agreement(service, request, found)
    if disagreement is not None:
        return disagreement
    settings = await service.login_settings()
    refusal = _refusal(request.query, settings)
    if refusal is not None:
        return await _told(service, request, refusal)
    wish = _wish(request.query)
    must_ask = ASK in request.query or request.header(b"sec-fetch-site") != "same-origin"
    if found is not None and wish.ends_something and must_ask:
        return _question(await visit_of(service, request, found), wish)
    return await _carry_out(service, request, settings, found, wish, must_ask=must_ask)


@described(
    "weblogin.confirm",
    body=FormBody(Confirmation),
    answers={302: ELSEWHERE, 400: TEXT_OR_PAGE},
    faults=[BadRequest, Forbidden],
)
async def confirm(service: Service, request: Request) -> Answer:
    """Does what weblogin/login has asked the user about."""
    found = await login_of(service, request)
    require_own_site(service, request)
    form = await read_form(request)
    require_own_form(service, request, form, found)
    settings = await service.login_settings()
    refusal = _refusal(form, settings)
    if refusal is not None:
        return await _told(service, request, refusal)
    return await _carry_out(service, request, settings, found, _wish(form), must_ask=False)


def _refusal(given: Mapping[str, str], settings: LoginSettings) -> Fault | None:
    wanted = given.get(NEXT)
    if not wanted:
        return BadRequest("The parameter next must be the URL that receives the token.")
    if not is_allowed_next(wanted, settings.weblogin_next):
        return Forbidden("The parameter next is not a URL that may receive tokens.")
    return None


async def _told(service: Service, request: Request, refusal: Fault) -> Answer:
    """Tells of a refusal: people on a page, programs in a line of text."""
    if wants_page(request):
        return await refusal_page(service, request, refusal)
    return plain(refusal.status, refusal.message)


def _wish(given: Mapping[str, str]) -> Wish:
    # A flag with a value does not count.
    return Wish(given.get(NEXT, ""), renews=given.get(RENEW) == "", forces=given.get(FORCE) == "")


def _question(visit: Visit, wish: Wish) -> Answer:
    parts = urlsplit(wish.next)
    flags = [(RENEW, wish.renews), (FORCE, wish.forces)]
    # The browser applies this policy to wherever the form leads: to the component, which is allowed.
    return visit.page(
        "weblogin.html",
        who=parts.hostname or parts.scheme,
        renews=wish.renews,
        sent={NEXT: wish.next, **{name: "" for name, is_set in flags if is_set}},
        forms_may_lead_to=(*OWN_FORMS, form_source(wish.next)),
    )


async def _carry_out(
    service: Service,
    request: Request,
    settings: LoginSettings,
    found: Login | None,
    wish: Wish,
    *,
    must_ask: bool,
) -> Answer:
    made = Cookies(service.base_url)
    ended: list[str] = []
    if found is not None and wish.forces:
        await browser_sessions.end(service, found)
        ended += browser_sessions.login_cookies(made, settings, None)
        found = None
    here = _address_without_force(service, wish, must_ask=must_ask)
    if found is None:
        return redirect_within(service, login_address(service, here), ended)
    if not found.user.has_signed_terms:
        return redirect_within(service, terms_address(service, here))
    session = (
        await browser_sessions.renew(service, request, found, settings) if wish.renews else found.session
    )
    if session is None:
        return redirect_within(service, login_address(service, here))
    return redirect(
        with_query(wish.next, uuid=session.user_uuid, token=session.token),
        browser_sessions.login_cookies(made, settings, session),
    )


def _address_without_force(service: Service, wish: Wish, *, must_ask: bool) -> str:
    """Returns the URL to come back to after a login."""
    query = {NEXT: wish.next}
    if wish.renews:
        query[RENEW] = ""
        if must_ask:
            query[ASK] = ""
    return f"{service.base_url}/weblogin/login?{urlencode(query)}"
