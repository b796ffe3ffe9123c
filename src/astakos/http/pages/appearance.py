"""`ui/appearance`: light, dark, or as the system has it, in this browser."""

from astakos.directory.redirects import own_address
from astakos.http.faults import BadRequest
from astakos.http.pages.page_kinds import OVERVIEW, user_action
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.http.web.cookies import Cookies
from astakos.http.web.redirects import redirect_within
from astakos.pages.site import THEMES


async def choose(visit: UserVisit) -> Answer:
    """Notes the choice in a cookie."""
    theme = visit.form.get("theme", "")
    if theme not in THEMES:
        raise BadRequest(f"theme must be one of {', '.join(THEMES)}.")
    service = visit.service
    following = own_address(f"{service.base_url}{visit.form.get('next', '')}", service.base_url)
    return redirect_within(
        service, following or f"{service.base_url}{OVERVIEW}", [Cookies(service.base_url).theme(theme)]
    )


ROUTES = (user_action("/ui/appearance", choose),)
