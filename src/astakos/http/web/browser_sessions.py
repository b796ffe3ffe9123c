"""Who has logged in in the browser that sends a request, and beginning and ending that."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from astakos.clock import MICROSECONDS
from astakos.directory.entities import User
from astakos.directory.login_settings import LoginSettings
from astakos.directory.session_secrets import Session, form_proof, is_form_proof, new_secret
from astakos.directory.tokens import USER_TOKEN_LIFETIME, token_hash
from astakos.http.faults import Forbidden
from astakos.http.request import Answer, Request
from astakos.http.web import cookies
from astakos.http.web.cookies import Cookies
from astakos.http.web.html import redirect
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import oauth2, sessions, users

PROOF = "csrf_token"
PROOF_HEADER = b"x-csrf-token"
ELSEWHERE = ("cross-site", "same-site")
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
HOUR = 3600 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Login:
    """A user, and the session in which they have logged in."""

    user: User
    session: Session

    @property
    def proof(self) -> str:
        """What the forms of this user's pages must carry."""
        return form_proof(self.session.secret)


async def login_of(service: Service, request: Request) -> Login | None:
    """The login of the browser that sends a request; None if there is none, or its user may not call now."""
    secret = request.cookies.get(cookies.SESSION)
    if not secret:
        return None
    found = await service.read(sessions.find, token_hash(secret), service.now())
    if found is None:
        return None
    user, expires = found
    return Login(user, Session(secret, user.uuid, expires)) if user.is_active else None


def require_own_form(request: Request, form: Mapping[str, str], secret: str) -> None:
    """Refuse a form that does not come from a page made for the browser that holds a secret.

    Raises:
        Forbidden: another site may have made the browser send it.
    """
    proof = form.get(PROOF) or request.header(PROOF_HEADER)
    if request.header(b"sec-fetch-site") in ELSEWHERE or not secret or not is_form_proof(secret, proof):
        raise Forbidden(
            "This form is too old, or was not sent by the page that it belongs to. "
            "Go back, reload the page and try again; your browser must take cookies."
        )


def browser_of(request: Request) -> str:
    """The secret by which a browser is known again; "" if it has none."""
    secret = request.cookies.get(cookies.BROWSER, "")
    return secret if SECRET.fullmatch(secret) else ""


async def begin(
    service: Service, request: Request, user: User, settings: LoginSettings
) -> tuple[Session, str]:
    """Log a user in, in place of whoever was logged in in that browser.

    Returns:
        the session, and the secret by which the browser is known from now on.
    """
    before = request.cookies.get(cookies.SESSION, "")
    session, browser = _new_session(service, user, settings), new_secret(os.urandom)
    now = service.now()

    def store(connection: Connection) -> None:
        sessions.end(connection, token_hash(before))
        _store(connection, user, session, now)
        known_until = now + cookies.BROWSER_DAYS * 24 * HOUR
        sessions.remember_browser(connection, user.id, token_hash(browser), now, known_until)

    await service.write(store)
    return session, browser


async def renew(service: Service, user: User, settings: LoginSettings) -> Session:
    """Give a user a new token, which is also that of a new session; all tokens and sessions of before end."""
    session = _new_session(service, user, settings)
    now = service.now()

    def store(connection: Connection) -> None:
        hashed = token_hash(session.token)
        users.set_token(connection, user.uuid, hashed, now, now + USER_TOKEN_LIFETIME)
        _store(connection, user, session, now)

    await service.write(store)
    service.forget()
    return session


async def end(service: Service, login: Login) -> None:
    """Log a user out: the session's token, and what OAuth2 clients have got for the user, end with it."""

    def store(connection: Connection) -> None:
        sessions.end(connection, token_hash(login.session.secret))
        oauth2.end_all_of(connection, login.user.id)

    await service.write(store)
    service.forget()


def _new_session(service: Service, user: User, settings: LoginSettings) -> Session:
    return Session(new_secret(os.urandom), user.uuid, service.now() + settings.session_hours * HOUR)


def _store(connection: Connection, user: User, session: Session, now: int) -> None:
    sessions.begin(
        connection, user.id, token_hash(session.secret), token_hash(session.token), now, session.expires
    )


def login_cookies(made: Cookies, settings: LoginSettings, session: Session | None) -> Sequence[str]:
    """The cookies that let a browser have just this session, or none."""
    own = made.no_session() if session is None else made.session(session)
    return [own, made.of_components(settings, session)] if settings.cookie_name else [own]


async def agreement(service: Service, request: Request, login: Login | None) -> Answer | None:
    """If session and cookie disagree: the browser is sent here again, with the cookie set or ended.

    A browser that does not take the cookie is not sent again and again.
    """
    settings = await service.login_settings()
    held = request.cookies.get(settings.cookie_name) if settings.cookie_name else None
    wanted = None if login is None else cookies.shared_value(login.session)
    agree = (held or None) == wanted or not settings.cookie_name
    if agree or cookies.TRIED in request.cookies or request.method not in ("GET", "HEAD"):
        return None
    made = Cookies(service.base_url)
    session = None if login is None else login.session
    return redirect(address_of(service, request), [made.of_components(settings, session), made.tried()])


def address_of(service: Service, request: Request) -> str:
    """The absolute address of a request, as clients reach it."""
    query = f"?{request.raw_query}" if request.raw_query else ""
    return f"{service.base_url}{request.path}{query}"


def login_address(service: Service, following: str) -> str:
    """Where people log in, to be sent to another of the service's own addresses after that."""
    return f"{service.base_url}/ui/login?{urlencode({'next': following})}"


def terms_address(service: Service, following: str) -> str:
    """Where people sign the terms of service, to be sent to another own address after that."""
    return f"{service.base_url}/ui/terms?{urlencode({'next': following})}"
