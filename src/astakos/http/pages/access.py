"""`ui/access`: what gives access in the name of a user: keys, logins, the token, and applications."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from astakos.administration.client_access import end_client_access
from astakos.administration.login_sessions import end_session, end_sessions
from astakos.administration.state_document import StateError
from astakos.directory.api_keys import ApiKey
from astakos.directory.entities import User
from astakos.directory.tokens import token_hash
from astakos.http.faults import ItemNotFound
from astakos.http.pages.page_kinds import user_action, user_page
from astakos.http.pages.visits import Question, UserVisit, user_visit
from astakos.http.request import Answer
from astakos.http.web import browser_sessions
from astakos.http.web.browser_sessions import Login, login_address, login_cookies
from astakos.http.web.cookies import Cookies
from astakos.http.web.redirects import redirect_within
from astakos.pages.browsers import browser_name
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys, oauth2, sessions, users
from astakos.storage.tables.oauth2 import ActingClient
from astakos.storage.tables.sessions import StoredSession

ACCESS: Final = "/ui/access"
KEYS_SHOWN: Final = 100
DIGITS: Final = 18
"""Of the largest number of a session."""


class ShownSession(NamedTuple):
    """A login in a browser."""

    id: int
    browser: str
    agent: str
    origin: str
    created: int
    expires: int
    last_used: int
    is_here: bool


class ShownKey(NamedTuple):
    """A key in the list of keys."""

    name: str
    prefix: str
    expires: int | None
    has_expired: bool
    last_used: int | None


class Found(NamedTuple):
    """What the page reads."""

    keys: Sequence[ApiKey]
    sessions: Sequence[StoredSession]
    clients: Sequence[ActingClient]
    has_password: bool


async def access(visit: UserVisit) -> Answer:
    """Shows the page."""
    service, now = visit.service, visit.site.now
    found = await service.read(_find, visit.user, now)
    keys = [
        ShownKey(
            one.name,
            one.prefix,
            one.expires,
            one.has_expired(now),
            service.key_uses.last(one.prefix, one.last_used),
        )
        for one in found.keys
    ]
    keys.sort(key=lambda one: one.has_expired)
    return visit.page(
        "access.html",
        keys=keys[:KEYS_SHOWN],
        more_keys=max(0, len(keys) - KEYS_SHOWN),
        sessions=_shown_sessions(visit, found.sessions),
        clients=found.clients,
        has_password=found.has_password,
        has_mail=service.has_mail,
        token_created=visit.user.token_created,
        token_expires=visit.user.token_expires,
    )


def _find(connection: Connection, user: User, now: int) -> Found:
    return Found(
        api_keys.list_of_user(connection, user.id),
        sessions.list_of_user(connection, user.id, now),
        oauth2.list_acting_for(connection, user.id, now),
        users.find_password_hash(connection, user.uuid) is not None,
    )


def _shown_sessions(visit: UserVisit, found: Sequence[StoredSession]) -> list[ShownSession]:
    here = token_hash(visit.secret)
    shown = [
        ShownSession(
            one.id,
            browser_name(one.agent),
            one.agent or "",
            one.origin or "",
            one.created,
            one.expires,
            visit.service.session_uses.last(one.id, one.last_used) or one.created,
            one.secret_hash == here,
        )
        for one in found
    ]
    return sorted(shown, key=lambda one: (not one.is_here, -one.last_used))


async def end_one_session(visit: UserVisit) -> Answer:
    """Ends a login of the user in some browser."""
    given = visit.form.get("session", "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) <= DIGITS else 0
    try:
        await visit.change(
            lambda connection, actor: end_session(connection, actor, visit.user, number, visit.site.now)
        )
    except StateError as error:
        raise ItemNotFound("There is no such login. It may have ended already.") from error
    if await visit.service.read(sessions.find, token_hash(visit.secret), visit.site.now) is None:
        settings = await visit.service.login_settings()
        ended = login_cookies(Cookies(visit.service.base_url), settings, None)
        here = f"{visit.service.base_url}{ACCESS}"
        return redirect_within(visit.service, login_address(visit.service, here), ended)
    return visit.done("That browser has been signed out.", ACCESS)


async def end_other_sessions(visit: UserVisit) -> Answer:
    """Ends all logins of the user but this one."""
    if not visit.is_confirmed:
        return visit.ask(
            Question(
                "Sign out everywhere else?",
                ["All other browsers have to sign in again. Your token and your API keys stay valid."],
                "Sign out everywhere else",
                ACCESS,
            )
        )
    here = token_hash(visit.secret)
    ended = await visit.change(
        lambda connection, actor: end_sessions(connection, actor, visit.user, visit.site.now, but=here)
    )
    browsers = "1 browser has" if ended == 1 else f"{ended} browsers have"
    return visit.done(f"{browsers} been signed out.", ACCESS)


async def renew_token(visit: UserVisit) -> Answer:
    """Replaces the token, and shows the new one."""
    if not visit.is_confirmed:
        return visit.ask(
            Question(
                "Renew your token?",
                [
                    "Your present token ends at once, and all other browsers are signed out.",
                    "Programs that use the token need the new one. Your API keys stay valid.",
                ],
                "Renew token",
                ACCESS,
            )
        )
    service, request, settings = visit.service, visit.request, await visit.service.login_settings()
    login = visit.login
    session = None if login is None else await browser_sessions.renew(service, request, login, settings)
    if login is None or session is None:
        return redirect_within(service, login_address(service, f"{service.base_url}{ACCESS}"))
    renewed = await user_visit(service, request, Login(login.user, session, login.browser))
    return renewed.page(
        "token_renewed.html",
        token=session.token,
        cookies=login_cookies(Cookies(service.base_url), settings, session),
    )


async def revoke_client(visit: UserVisit) -> Answer:
    """Ends what an application can do in the name of the user."""
    client = visit.form.get("client", "")
    try:
        await visit.change(
            lambda connection, actor: end_client_access(connection, actor, visit.user, client, visit.site.now)
        )
    except StateError as error:
        raise ItemNotFound("This application cannot act for you now.") from error
    return visit.done("The application can no longer act for you.", ACCESS)


ROUTES = (
    user_page(ACCESS, access),
    user_action(f"{ACCESS}/sessions/end", end_one_session),
    user_action(f"{ACCESS}/sessions/end-others", end_other_sessions),
    user_action(f"{ACCESS}/token/renew", renew_token),
    user_action(f"{ACCESS}/applications/revoke", revoke_client),
)
