"""`ui/forgotten` asks for a link by mail; `ui/password` sets a password with a link, which works once."""

from collections.abc import Mapping
from typing import Final

from astakos.directory.attempt_limits import TooManyAttemptsError
from astakos.directory.entities import User
from astakos.directory.mail_addresses import LONGEST_ADDRESS
from astakos.directory.password_links import PAGE
from astakos.directory.password_rules import SHORTEST_PASSWORD, refuse_password
from astakos.http.faults import ItemNotFound, TooMany, TooManyLinks
from astakos.http.forwarding import caller_address
from astakos.http.pages.link_secrets import secret_of
from astakos.http.pages.page_kinds import open_form
from astakos.http.pages.refusals import NO_PAGE
from astakos.http.pages.visits import Visit
from astakos.http.projects.actors import origin_of
from astakos.http.request import Answer
from astakos.http.secret_attempts import too_many
from astakos.http.web.cookies import Cookies
from astakos.pages.sentences import sentence
from astakos.service.password_links import find_user_of_link, request_recovery, set_password_with_link
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys

FORGOTTEN: Final = "/ui/forgotten"
PASSWORD: Final = f"/{PAGE}"


async def forgotten(visit: Visit) -> Answer:
    """Asks for the address; without a mail server, says whom to ask."""
    return await _ask(visit)


async def send_link(visit: Visit, form: Mapping[str, str]) -> Answer:
    """Mails a link, if there is such a user. The answer is the same if there is none."""
    service, request = visit.service, visit.request
    if not service.has_mail:
        raise ItemNotFound(NO_PAGE)
    email = form.get("email", "").strip()
    if not email or len(email) > LONGEST_ADDRESS:
        return await _ask(visit, email[:LONGEST_ADDRESS], "Enter your email address.", status=422)
    address, origin = caller_address(service.proxies, request), origin_of(service, request)
    try:
        await request_recovery(service, address, origin, email)
    except TooManyAttemptsError as error:
        refusal = too_many(service, error, TooManyLinks)
        return await _ask(visit, email, refusal.message, status=429, refusal=refusal)
    return visit.page("forgotten_sent.html", email=email)


async def _ask(
    visit: Visit, email: str = "", error: str = "", *, status: int = 200, refusal: TooMany | None = None
) -> Answer:
    settings = await visit.service.login_settings()
    return visit.page(
        "forgotten.html",
        status=status,
        headers={} if refusal is None else refusal.headers,
        has_mail=visit.service.has_mail,
        whom_to_ask=settings.forgotten_password,
        email=email,
        error=error,
    )


async def password(visit: Visit) -> Answer:
    """Asks the user of a link for a password. Looking at the page does not use the link."""
    user = await _user_of(visit)
    return _ended(visit) if user is None else await _form(visit, user)


async def set_password(visit: Visit, form: Mapping[str, str]) -> Answer:
    """Sets the password."""
    service, secret = visit.service, secret_of(visit.request)
    user = await _user_of(visit)
    if user is None:
        return _ended(visit)
    if form.get("user") != user.uuid:
        # Another link was opened in this browser since the form was shown.
        return await _form(visit, user, {"password": f"Another link was opened here: for {user.email}."})
    new = form.get("password", "")
    errors = errors_of_new_password(new, form.get("repeated", ""))
    if errors:
        return await _form(visit, user, errors)
    keep_keys = form.get("keep_keys") == "yes"
    origin = origin_of(service, visit.request)
    user = await set_password_with_link(service, origin, secret, new, keep_keys=keep_keys)
    if user is None:
        return _ended(visit)
    return visit.page("password_set.html", cookies=[_no_link(visit)], email=user.email)


async def _user_of(visit: Visit) -> User | None:
    # Nobody guesses one of 256 random bits, so that wrong ones need no limit.
    secret = secret_of(visit.request)
    return await find_user_of_link(visit.service, secret) if secret else None


def _no_link(visit: Visit) -> str:
    return Cookies(visit.service.base_url).no_link(PASSWORD)


async def _form(visit: Visit, user: User, errors: Mapping[str, str] | None = None) -> Answer:
    return visit.page(
        "password_link.html",
        status=422 if errors else 200,
        email=user.email,
        uuid=user.uuid,
        has_keys=await visit.service.read(_has_keys, user),
        errors=errors or {},
        shortest=SHORTEST_PASSWORD,
    )


def _has_keys(connection: Connection, user: User) -> bool:
    return api_keys.count_of_user(connection, user.uuid) > 0


def _ended(visit: Visit) -> Answer:
    has_mail = visit.service.has_mail
    return visit.page("link_ended.html", status=404, cookies=[_no_link(visit)], has_mail=has_mail)


def errors_of_new_password(new: str, repeated: str) -> dict[str, str]:
    """Returns what is wrong with a new password that was typed twice, by the field of the form."""
    refusal = refuse_password(new)
    if refusal is not None:
        return {"password": sentence(refusal)}
    return {} if new == repeated else {"repeated": "This is not the same password. Type it again."}


ROUTES = (
    open_form(FORGOTTEN, forgotten, send_link),
    open_form(PASSWORD, password, set_password, is_of_links=True),
)
