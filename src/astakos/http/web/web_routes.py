"""Which page stands at which path below the base URL."""

from collections.abc import Awaitable, Callable, Mapping

from astakos.http.oauth2 import authorization, code_exchange
from astakos.http.oauth2.client_credentials import ForOAuth2
from astakos.http.request import Answer, Request
from astakos.http.web import landing_page, login_page, weblogin
from astakos.http.web.html import ForPeople
from astakos.service.service import Service

Handler = Callable[[Service, Request], Awaitable[Answer]]
Methods = Mapping[str, Handler]


def _shown(handler: Handler) -> Methods:
    return {"GET": ForPeople(handler), "HEAD": ForPeople(handler)}


def _form(handler: Handler) -> Methods:
    return {**_shown(handler), "POST": ForPeople(handler)}


PAGES: Mapping[str, Methods] = {
    "/ui/login": _form(login_page.login),
    "/ui/logout": _form(login_page.logout),
    "/ui/landing": _shown(landing_page.landing),
    "/ui/terms": _form(landing_page.terms),
    "/oauth2/auth": {"GET": ForOAuth2(authorization.auth), "POST": ForOAuth2(authorization.auth)},
    "/oauth2/token": {"POST": ForOAuth2(code_exchange.token)},
}
"""Those that may have a trailing slash."""

PAGES_WITH_SLASH: Mapping[str, Methods] = {"/ui/": _shown(landing_page.index)}
PAGES_WITHOUT_SLASH: Mapping[str, Methods] = {"/weblogin/login": {"GET": ForPeople(weblogin.login)}}
