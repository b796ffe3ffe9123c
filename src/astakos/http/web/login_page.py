"""`ui/login` and `ui/logout`: logging in with a password, and logging out."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from astakos.directory.attempt_limits import unknown_account, user_account
from astakos.directory.entities import User
from astakos.directory.login_settings import LoginSettings
from astakos.directory.password_rules import LONGEST_PASSWORD
from astakos.directory.redirects import own_address
from astakos.directory.tokens import token_hash
from astakos.http.faults import BadRequest, Forbidden, TooManyAttempts
from astakos.http.forms import FormBody, read_form
from astakos.http.openapi.description import ELSEWHERE, PAGE, Reply, described
from astakos.http.pages.visits import OWN_FORMS, open_visit, visit_of
from astakos.http.request import Answer, Request
from astakos.http.secret_attempts import change_if_right, is_right
from astakos.http.web import browser_sessions
from astakos.http.web.browser_sessions import (
    Beginning,
    browser_of,
    login_of,
    require_own_form,
    require_own_site,
)
from astakos.http.web.cookies import Cookies
from astakos.http.web.redirects import redirect_within
from astakos.http.web.terms_page import NEXT
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import sessions as stored_sessions
from astakos.storage.tables import users
from astakos.storage.tables.proofs import PasswordProof

WRONG = "The username or password is wrong."
INACTIVE = "This account is not active. Contact the operators of this service."
LONGEST = LONGEST_PASSWORD


TOO_MANY = Reply(media_types=PAGE.media_types, headers=[*PAGE.headers, "Retry-After"])


class OwnForm(TypedDict):
    """A form without fields of its own."""

    csrf_token: NotRequired[str]


class LoginForm(TypedDict):
    """A username and a password. `csrf_token` proves that the form comes from the login page."""

    username: NotRequired[str]
    password: NotRequired[str]
    next: NotRequired[str]
    csrf_token: NotRequired[str]


@described(
    "login.login",
    body=FormBody(LoginForm),
    parameters=[NEXT],
    answers={
        200: PAGE,
        302: ELSEWHERE,
        403: PAGE,
        429: TOO_MANY,
    },
    faults=[BadRequest],
)
async def login(service: Service, request: Request) -> Answer:
    """Shows the login form, or logs the user in. A user who is logged in is redirected at once."""
    if request.method == "POST":
        return await _log_in(service, request)
    wanted = request.query.get("next", "")
    if await login_of(service, request) is not None:
        return redirect_within(service, _following(service, wanted))
    return await _form(service, request, wanted)


@described(
    "login.logout",
    body=FormBody(OwnForm),
    answers={200: PAGE, 302: ELSEWHERE},
    faults=[BadRequest, Forbidden],
)
async def logout(service: Service, request: Request) -> Answer:
    """Shows the logout button, or logs the user out.

    A GET request logs nobody out, because any site can link to this page.
    """
    login = await login_of(service, request)
    if login is None:
        return redirect_within(service, f"{service.base_url}/ui/login")
    if request.method != "POST":
        return (await visit_of(service, request, login)).page("logout.html")
    require_own_site(service, request)
    require_own_form(service, request, await read_form(request), login)
    await browser_sessions.end(service, login)
    settings = await service.login_settings()
    ended = browser_sessions.login_cookies(Cookies(service.base_url), settings, None)
    return (await visit_of(service, request)).page("logged_out.html", cookies=ended)


async def _log_in(service: Service, request: Request) -> Answer:
    wanted = ""
    try:
        require_own_site(service, request)
        form = await read_form(request)
        wanted = form.get("next", "")
        require_own_form(service, request, form, None)
    except Forbidden as refusal:
        return await _form(service, request, wanted, error=refusal.message, status=403)
    username, password = form.get("username", "").strip().lower(), form.get("password", "")
    if not username or not password or max(len(username), len(password)) > LONGEST:
        return await _form(service, request, wanted, username=username[:LONGEST], error=WRONG, status=403)
    settings = await service.login_settings()
    try:
        proven = await _begin(service, request, settings, username, password)
    except TooManyAttempts as refusal:
        return await _form(service, request, wanted, username=username, refusal=refusal, status=429)
    user, begun = proven or (None, None)
    if begun is None:
        error = INACTIVE if user is not None and not user.is_active else WRONG
        return await _form(service, request, wanted, username=username, error=error, status=403)
    made = Cookies(service.base_url)
    own = [*browser_sessions.login_cookies(made, settings, begun.session), made.browser(begun.browser)]
    return redirect_within(service, _following(service, wanted), own)


async def _begin(
    service: Service, request: Request, settings: LoginSettings, username: str, password: str
) -> tuple[User, Beginning | None] | None:
    """Begins a session if the password is right.

    Returns:
        The user and the session, or None if there is no such user or the password is wrong. There is no
        session if the user is not active, or has just got another password.

    Raises:
        TooManyAttempts: Nothing was checked.
    """
    browser = browser_of(service, request)
    user, stored, knows_browser = await service.read(_find, username, token_hash(browser), service.now())
    account = unknown_account(username) if user is None else user_account(user.uuid)
    known = browser if knows_browser else None

    async def matches(is_suspect: bool) -> bool:
        return await service.passwords.matches(
            account, stored, password, is_suspect=is_suspect, is_known=knows_browser
        )

    if user is None or stored is None:
        # It is never right, but must take as long, and count, as if it could be.
        await is_right(service, request, account, matches, known)
        return None
    new = browser_sessions.beginning(service, request, user, PasswordProof(stored), settings)
    has_begun = await change_if_right(service, request, account, matches, new.store, known)
    return None if has_begun is None else (user, new if has_begun else None)


def _find(
    connection: Connection, username: str, browser: bytes, now: int
) -> tuple[User | None, str | None, bool]:
    user = users.find_by_username(connection, username)
    if user is None:
        return None, None, False
    knows_browser = stored_sessions.knows_browser(connection, browser, username, now)
    return user, users.find_password_hash(connection, user.uuid), knows_browser


def _following(service: Service, wanted: str) -> str:
    """Returns where to go after the login: the wanted URL if it is this service's, else the overview."""
    return own_address(wanted, service.base_url) or f"{service.base_url}/ui/overview"


async def _form(
    service: Service,
    request: Request,
    wanted: str,
    *,
    username: str = "",
    error: str = "",
    refusal: TooManyAttempts | None = None,
    status: int = 200,
) -> Answer:
    visit = await open_visit(service, request)
    settings = await service.login_settings()
    return visit.page(
        "login.html",
        status=status,
        headers={} if refusal is None else {"Retry-After": str(refusal.retry_after)},
        forms_may_lead_to=await _may_lead_to(service, wanted),
        following=wanted,
        username=username,
        error=error if refusal is None else refusal.message,
        forgotten_password=settings.forgotten_password,
        has_mail=service.has_mail,
    )


async def _may_lead_to(service: Service, wanted: str) -> Sequence[str] | None:
    """Returns where the form may lead: browsers also apply the page's policy to redirects that follow."""
    path = wanted.partition("?")[0]
    if path.endswith("/weblogin/login"):
        return (*OWN_FORMS, *map(_source, (await service.login_settings()).weblogin_next))
    # An OAuth2 client can have any redirect URI.
    return None if path.rstrip("/").endswith("/oauth2/auth") else OWN_FORMS


def _source(allowed: str) -> str:
    return allowed if "://" in allowed else f"{allowed}:"
