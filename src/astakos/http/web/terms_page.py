"""`ui/terms`: the terms of service, which users must sign before they can make calls."""

from typing import NotRequired, TypedDict

from astakos.administration.user_registration import sign_terms
from astakos.directory.redirects import own_address
from astakos.http.faults import BadRequest, Forbidden
from astakos.http.forms import FormBody, read_form
from astakos.http.openapi.description import ELSEWHERE, PAGE, Parameter, as_text, described
from astakos.http.pages.visits import OWN_FORMS, visit_of
from astakos.http.projects.actors import actor_of, origin_of
from astakos.http.request import Answer, Request
from astakos.http.web.browser_sessions import login_of, require_own_form, require_own_site
from astakos.http.web.redirects import redirect_within
from astakos.service.service import Service

NEXT = Parameter("next", "The URL of this service to continue at.", as_text)


class TermsForm(TypedDict):
    """Signs the terms."""

    next: NotRequired[str]
    csrf_token: NotRequired[str]


@described(
    "landing.terms",
    body=FormBody(TermsForm),
    parameters=[NEXT],
    answers={200: PAGE, 302: ELSEWHERE},
    faults=[BadRequest, Forbidden],
)
async def terms(service: Service, request: Request) -> Answer:
    """Shows the terms of service, or records that the user has signed them."""
    login = await login_of(service, request)
    settings = await service.login_settings()
    if request.method == "POST" and login is not None:
        require_own_site(service, request)
        form = await read_form(request)
        require_own_form(service, request, form, login)
        origin, now = origin_of(service, request), service.now()
        await service.write(
            lambda connection: sign_terms(
                connection, actor_of(connection, login.user, origin), login.user, now
            )
        )
        service.forget_users()
        following = own_address(form.get("next", ""), service.base_url)
        return redirect_within(service, following or f"{service.base_url}/ui/overview")
    visit = await visit_of(service, request, login)
    must_sign = login is not None and not login.user.has_signed_terms
    return visit.page(
        "terms.html",
        terms=settings.terms,
        must_sign=must_sign,
        following=request.query.get("next", ""),
        forms_may_lead_to=None if must_sign else OWN_FORMS,
    )
