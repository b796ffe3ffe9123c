"""Which page stands at which path below the base URL."""

from collections.abc import Awaitable, Callable, Mapping

from astakos.http import landing, login, oauth2_auth, oauth2_token, weblogin
from astakos.http.messages import Answer, Request
from astakos.http.oauth2_requests import ForOAuth2
from astakos.http.pages import ForPeople
from astakos.http.service import Service

Handler = Callable[[Service, Request], Awaitable[Answer]]
Methods = Mapping[str, Handler]


def _shown(handler: Handler) -> Methods:
    return {"GET": ForPeople(handler), "HEAD": ForPeople(handler)}


def _form(handler: Handler) -> Methods:
    return {**_shown(handler), "POST": ForPeople(handler)}


PAGES: Mapping[str, Methods] = {
    "/ui/login": _form(login.login),
    "/ui/logout": _form(login.logout),
    "/ui/landing": _shown(landing.landing),
    "/ui/terms": _form(landing.terms),
    "/oauth2/auth": {"GET": ForOAuth2(oauth2_auth.auth), "POST": ForOAuth2(oauth2_auth.auth)},
    "/oauth2/token": {"POST": ForOAuth2(oauth2_token.token)},
}
"""Those that may have a trailing slash."""

PAGES_WITH_SLASH: Mapping[str, Methods] = {"/ui/": _shown(landing.index)}
PAGES_WITHOUT_SLASH: Mapping[str, Methods] = {"/weblogin/login": {"GET": ForPeople(weblogin.login)}}
