"""`weblogin/login`: logs a user in for another component's page (`identity-and-projects.md` §6)."""

from urllib.parse import parse_qsl, urlencode

from astakos.directory.redirects import is_allowed_next, with_query
from astakos.http.openapi.description import ELSEWHERE, Parameter, Reply, as_text, described
from astakos.http.request import Answer, Request
from astakos.http.web import browser_sessions
from astakos.http.web.browser_sessions import agreement, login_address, login_of, terms_address
from astakos.http.web.cookies import Cookies
from astakos.http.web.html import plain, redirect
from astakos.service.service import Service

TEXT_FOR_PEOPLE = Reply(media_types=["text/plain"])


@described(
    "weblogin.login",
    parameters=[
        Parameter("next", "The URL that receives the UUID and the token.", as_text),
        Parameter("renew", "If present and empty, renews the token first.", as_text),
        Parameter(
            "force", "If present and empty, ends the session, so that the user must log in again.", as_text
        ),
    ],
    answers={302: ELSEWHERE, 400: TEXT_FOR_PEOPLE, 403: TEXT_FOR_PEOPLE},
)
async def login(service: Service, request: Request) -> Answer:
    """Redirects to next with the user's UUID and token, after a login if needed."""
    found = await login_of(service, request)
    disagreement = await agreement(service, request, found)
    if disagreement is not None:
        return disagreement
    wanted = request.query.get("next")
    if not wanted:
        return plain(400, "The parameter next must be the URL that receives the token.")
    settings = await service.login_settings()
    if not is_allowed_next(wanted, settings.weblogin_next):
        return plain(403, "The parameter next is not a URL that may receive tokens.")
    made = Cookies(service.base_url)
    ended: list[str] = []
    if found is not None and _is_set(request, "force"):
        await browser_sessions.end(service, found)
        ended += browser_sessions.login_cookies(made, settings, None)
        found = None
    if found is None:
        return redirect(login_address(service, _address_without_force(service, request)), ended)
    if not found.user.has_signed_terms:
        return redirect(terms_address(service, _address_without_force(service, request)))
    renews = _is_set(request, "renew")
    session = await browser_sessions.renew(service, found, settings) if renews else found.session
    if session is None:
        return redirect(login_address(service, _address_without_force(service, request)))
    return redirect(
        with_query(wanted, uuid=session.user_uuid, token=session.token),
        browser_sessions.login_cookies(made, settings, session),
    )


def _is_set(request: Request, flag: str) -> bool:
    """Returns whether a flag is set. A flag with a value does not count."""
    return request.query.get(flag) == ""


def _address_without_force(service: Service, request: Request) -> str:
    pairs = parse_qsl(request.raw_query, keep_blank_values=True)
    query = urlencode([(name, value) for name, value in pairs if name != "force"])
    return f"{service.base_url}{request.path}?{query}"
