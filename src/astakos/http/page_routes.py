"""Which page stands at which path below the base URL, and what sends browsers from one to the other."""

from collections.abc import Awaitable, Callable, Mapping

from astakos.http import landing, login, oauth2_auth, oauth2_token, weblogin
from astakos.http.messages import Answer, Request
from astakos.http.oauth2_requests import ForOAuth2
from astakos.http.pages import ForPeople, redirect
from astakos.http.service import Service

Handler = Callable[[Service, Request], Awaitable[Answer]]
Methods = Mapping[str, Handler]


def _shown(handler: Handler) -> Methods:
    return {"GET": ForPeople(handler), "HEAD": ForPeople(handler)}


def _form(handler: Handler) -> Methods:
    return {**_shown(handler), "POST": ForPeople(handler)}


async def _with_slash(service: Service, request: Request) -> Answer:
    return redirect(f"{service.base_url}{request.path}/", status=301)


PAGES: Mapping[str, Methods] = {
    "/ui/login": _form(login.login),
    "/ui/logout": _form(login.logout),
    "/ui/landing": _shown(landing.landing),
    "/ui/terms": _form(landing.terms),
    "/oauth2/auth": {"GET": ForOAuth2(oauth2_auth.auth), "POST": ForOAuth2(oauth2_auth.auth)},
    "/oauth2/token": {"POST": ForOAuth2(oauth2_token.token)},
}
"""Those that may have a trailing slash."""

EXACT_PAGES: Mapping[str, Methods] = {
    "/ui": _shown(_with_slash),
    "/ui/": _shown(landing.index),
    "/weblogin": _shown(_with_slash),
    "/weblogin/login": {"GET": ForPeople(weblogin.login)},
}
"""Those that have just the slash that stands there, or none."""
