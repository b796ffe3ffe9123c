"""Browser sessions: finds the login of a browser, and logs users in and out."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from astakos.clock import MICROSECONDS
from astakos.directory.entities import User
from astakos.directory.login_settings import LoginSettings
from astakos.directory.redirects import can_be_carried
from astakos.directory.session_secrets import Session, form_proof, is_form_proof, new_secret
from astakos.directory.tokens import USER_TOKEN_LIFETIME, token_hash
from astakos.events.event import Actor, Event
from astakos.http.faults import Forbidden
from astakos.http.projects.actors import origin_of
from astakos.http.request import Answer, Request
from astakos.http.web import cookies
from astakos.http.web.cookies import Cookies
from astakos.http.web.own_origin import is_from_elsewhere
from astakos.http.web.redirects import redirect_within
from astakos.service.admission import current_caller
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, oauth2, sessions, users
from astakos.storage.tables.proofs import Proof, SessionProof, find_origin
from astakos.storage.texts import is_storable

PROOF = "csrf_token"
PROOF_HEADER = b"x-csrf-token"
NOT_OUR_FORM = (
    "This form has expired, or was not sent from its own page. "
    "Go back, reload the page, and try again. Your browser must accept cookies."
)
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
HOUR = 3600 * MICROSECONDS
KNOWN_DAYS = 180
"""How long a browser is known after the last login in it."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user who has logged in, and their session."""

    user: User
    session: Session
    browser: str

    @property
    def proof(self) -> str:
        """The CSRF token that the forms on this user's pages carry."""
        return form_proof(self.browser, self.session.secret)

    @property
    def proven(self) -> SessionProof:
        """What the browser has proven: it holds the secret of the session."""
        return SessionProof(token_hash(self.session.secret))


async def login_of(service: Service, request: Request) -> Login | None:
    """Returns the login of the browser, or None if it has none or the user is not active."""
    browser = browser_of(service, request)
    secret = request.cookies.get(Cookies(service.base_url).session_name)
    # A session without the other cookie was not begun in this browser.
    if not secret or not browser:
        return None
    found = await service.read(sessions.find, token_hash(secret), service.now())
    if found is None:
        return None
    user, expires, session = found
    if not user.is_active:
        return None
    current_caller.set(("user", user.id))
    service.session_uses.note(session)
    return Login(user, Session(secret, user.uuid, expires), browser)


def require_own_site(service: Service, request: Request) -> None:
    """Requires what the head of a request can show of `require_own_form`, before its body is read.

    Raises:
        Forbidden: Another site may have made the browser send the form.
    """
    fetch_site, origin = request.header(b"sec-fetch-site"), request.header(b"origin")
    is_foreign = is_from_elsewhere(fetch_site, origin, service.base_url, request.header(b"host"))
    if is_foreign or not browser_of(service, request):
        raise Forbidden(NOT_OUR_FORM)


def require_own_form(
    service: Service, request: Request, form: Mapping[str, str], login: Login | None
) -> None:
    """Requires that a form comes from a page that was made for this browser, and for its login if it has one.

    Raises:
        Forbidden: Another site may have made the browser send the form.
    """
    require_own_site(service, request)
    proof = form.get(PROOF) or request.header(PROOF_HEADER)
    session = "" if login is None else login.session.secret
    if not is_form_proof(proof, browser_of(service, request), session):
        raise Forbidden(NOT_OUR_FORM)


def browser_of(service: Service, request: Request) -> str:
    """Returns the secret that identifies the browser, or "" if it has none."""
    secret = request.cookies.get(Cookies(service.base_url).browser_name, "")
    return secret if SECRET.fullmatch(secret) else ""


class Beginning(NamedTuple):
    """A session that begins once the user has proven who they are.

    Attributes:
        session: The session.
        browser: The secret that identifies the browser from now on.
        store: Begins the session in a transaction, and ends the one that the browser had before. Returns
            whether the proof is still valid, otherwise it does nothing.
    """

    session: Session
    browser: str
    store: Callable[[Connection], bool]


def beginning(
    service: Service, request: Request, user: User, proof: Proof, settings: LoginSettings
) -> Beginning:
    """Returns a new session of a user, to store."""
    before = request.cookies.get(Cookies(service.base_url).session_name, "")
    session, browser = _new_session(service, user, settings), new_secret(os.urandom)
    now = service.now()

    def store(connection: Connection) -> bool:
        if find_origin(connection, user.id, proof) is None:
            return False
        sessions.end(connection, token_hash(before))
        _store(service, request, connection, user, session, now)
        known_until = now + KNOWN_DAYS * 24 * HOUR
        known_before = token_hash(browser_of(service, request))
        sessions.remember_browser(connection, user.id, token_hash(browser), now, known_until, known_before)
        return True

    return Beginning(session, browser, store)


async def renew(service: Service, request: Request, login: Login, settings: LoginSettings) -> Session | None:
    """Gives a user a new token, which a new session shares. Ends all earlier tokens and sessions.

    Returns:
        The session; None if the login has just ended.
    """
    user, session = login.user, _new_session(service, login.user, settings)
    now = service.now()
    actor = Actor(user.uuid, origin_of(service, request))

    def store(connection: Connection) -> bool:
        if find_origin(connection, user.id, login.proven) is None:
            return False
        hashed = token_hash(session.token)
        users.set_token(connection, user.uuid, hashed, now, now + USER_TOKEN_LIFETIME)
        events.record(connection, Event("user.token_renewed", actor, subject=user.uuid), now)
        _store(service, request, connection, user, session, now)
        return True

    renewed = await service.write(store)
    service.forget_users()
    return session if renewed else None


async def end(service: Service, login: Login) -> None:
    """Logs a user out. Ends the session with its token, and the user's OAuth2 codes and access tokens."""

    def store(connection: Connection) -> None:
        sessions.end(connection, token_hash(login.session.secret))
        oauth2.end_all_of(connection, login.user.id)

    await service.write(store)
    service.forget_users()


def _new_session(service: Service, user: User, settings: LoginSettings) -> Session:
    return Session(new_secret(os.urandom), user.uuid, service.now() + settings.session_hours * HOUR)


def _store(
    service: Service, request: Request, connection: Connection, user: User, session: Session, now: int
) -> None:
    agent = request.header(b"user-agent")
    sessions.begin(
        connection,
        user.id,
        token_hash(session.secret),
        token_hash(session.token),
        now,
        session.expires,
        origin=origin_of(service, request),
        agent=agent if agent and is_storable(agent) else None,
    )


def login_cookies(made: Cookies, settings: LoginSettings, session: Session | None) -> Sequence[str]:
    """Returns the cookies that set the session in a browser, or end it."""
    own = made.no_session() if session is None else made.session(session)
    return [own, made.of_components(settings, session)] if settings.cookie_name else [own]


async def agreement(service: Service, request: Request, login: Login | None) -> Answer | None:
    """If the session and the shared cookie disagree, returns a redirect to this URL that fixes the cookie.

    Redirects only once, because a browser can refuse the cookie. Returns None if nothing is wrong.
    """
    settings = await service.login_settings()
    held = request.cookies.get(settings.cookie_name) if settings.cookie_name else None
    wanted = None if login is None else cookies.shared_value(login.session)
    agree = (held or None) == wanted or not settings.cookie_name
    if agree or cookies.TRIED in request.cookies or request.method not in ("GET", "HEAD"):
        return None
    here = address_of(service, request)
    if not can_be_carried(here):
        # The next page that the user visits fixes it.
        return None
    made = Cookies(service.base_url)
    session = None if login is None else login.session
    cookies_set = [made.of_components(settings, session), made.tried()]
    return redirect_within(service, here, cookies_set)


def address_of(service: Service, request: Request) -> str:
    """Returns the absolute URL of a request, as clients reach it."""
    return f"{service.base_url}{request.address}"


def login_address(service: Service, following: str) -> str:
    """Returns the URL of the login page. After the login, the browser continues at `following`.

    If that is too long to be carried, it continues at the overview.
    """
    return _with_next(f"{service.base_url}/ui/login", following)


def terms_address(service: Service, following: str) -> str:
    """Returns the URL of the terms page. After signing, the browser continues as after a login."""
    return _with_next(f"{service.base_url}/ui/terms", following)


def _with_next(address: str, following: str) -> str:
    return f"{address}?{urlencode({'next': following})}" if can_be_carried(following) else address
