"""`ui/` and `ui/landing`: lead to the overview, or to the login page."""

from astakos.http.openapi.description import ELSEWHERE, described
from astakos.http.request import Answer, Request
from astakos.http.web.browser_sessions import agreement, login_address, login_of
from astakos.http.web.redirects import redirect_within
from astakos.service.service import Service


@described("landing.index", answers={302: ELSEWHERE})
async def index(service: Service, request: Request) -> Answer:
    """Redirects to the overview, or to the login page."""
    login = await login_of(service, request)
    return redirect_within(service, f"{service.base_url}/ui/{'login' if login is None else 'overview'}")


@described("landing.landing", answers={302: ELSEWHERE})
async def landing(service: Service, request: Request) -> Answer:
    """Redirects to the overview, where the user's account and the services are."""
    login = await login_of(service, request)
    disagreement = await agreement(service, request, login)
    if disagreement is not None:
        return disagreement
    overview = f"{service.base_url}/ui/overview"
    return redirect_within(service, overview if login else login_address(service, overview))
