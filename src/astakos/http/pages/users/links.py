"""`ui/admin/users/invite` and `<uuid>/link`: links with which users set a password, mailed or shown once."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import uuid4

from astakos.administration.accounts import find_user
from astakos.administration.document_places import PlacedError
from astakos.administration.load import load_within
from astakos.administration.password_links import invite_by_mail, make_link
from astakos.administration.state_document import StateDocument, StateError, UserEntry
from astakos.clock import DAY
from astakos.directory.account_states import AccountState, state_of
from astakos.directory.entities import User
from astakos.directory.mail_addresses import EXAMPLE, LONGEST_ADDRESS, is_mail_address, refuse_new_address
from astakos.directory.password_links import LinkPurpose, link_address
from astakos.events.event import Actor
from astakos.http.pages.account import LONGEST_NAME
from astakos.http.pages.page_kinds import administrator_making, administrator_page
from astakos.http.pages.users.visited_user import ONE, REFUSED, USERS, path_of, visited_user
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.pages.sentences import sentence
from astakos.storage.protocol import Connection
from astakos.storage.tables import password_links, users
from astakos.storage.texts import is_storable

INVITE: Final = f"{USERS}/invite"
LIFETIMES: Final = (("1", "1 day"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"))
USUAL_LIFETIME: Final = "7"
MAIL, SHOW = "mail", "show"
OTHER_LINK: Final = (
    "nothing was changed: a link was made or used since you opened the form. Another link ends the one before"
)
ADDED_ALREADY: Final = (
    "You have already sent this form. It added this user once. If you do not have the link that was "
    "shown to you, make another."
)
LINK_ALREADY: Final = (
    "You have already sent this form. It made one link. If you do not have the link that was shown to "
    "you, make another, which ends the one before."
)
EXISTS: Final = "there is a user with this address already"
WAYS: Final = ((MAIL, "Mail it to the user"), (SHOW, "Show it to me, once"))


class Made(NamedTuple):
    """A link that has been made for a user; without its secret if it is mailed."""

    user: User
    secret: str | None
    expires: int


class Choices(NamedTuple):
    """What can be chosen of a link, and what is: whether it is mailed, and for how many days it is valid."""

    has_mail: bool
    way: str
    days: str
    ways: Sequence[tuple[str, str]] = WAYS
    lifetimes: Sequence[tuple[str, str]] = LIFETIMES


async def invite(visit: UserVisit) -> Answer:
    """Shows the form for a new user."""
    return _invitation(visit, {}, {})


async def invite_now(visit: UserVisit) -> Answer:
    """Adds a user, with a link."""
    given = {name: text.strip() for name, text in visit.form.items()}
    errors = _errors(given)
    if errors:
        return _invitation(visit, given, errors)
    entry = UserEntry(
        uuid=str(uuid4()),
        email=given["email"],
        first_name=given.get("first_name", ""),
        last_name=given.get("last_name", ""),
    )

    def act(connection: Connection, actor: Actor) -> Made:
        if users.find_by_username(connection, entry.email) is not None:
            raise StateError(EXISTS)
        load_within(connection, StateDocument(users=[entry]), visit.site.now, actor)
        return _make(visit, connection, actor, find_user(connection, entry.uuid))

    try:
        made = await visit.make(act, place=lambda made: path_of(made.user), again=ADDED_ALREADY)
    except StateError as error:
        words = error.words if isinstance(error, PlacedError) else str(error)
        return _invitation(visit, given, {"email": sentence(words)})
    return _told(visit, made, f"{made.user.email} has been added.")


def _errors(given: Mapping[str, str]) -> dict[str, str]:
    errors = {}
    email = given.get("email", "")
    refusal = refuse_new_address(email)
    if not is_mail_address(email):
        errors["email"] = f"Write an email address such as {EXAMPLE}."
    elif refusal is not None:
        errors["email"] = sentence(refusal)
    for name, most in (("email", LONGEST_ADDRESS), ("first_name", LONGEST_NAME), ("last_name", LONGEST_NAME)):
        text = given.get(name, "")
        if len(text) > most or not is_storable(text):
            errors[name] = f"Write at most {most} characters."
    return errors


def _invitation(visit: UserVisit, given: Mapping[str, str], errors: Mapping[str, str]) -> Answer:
    return visit.page(
        "users/invite.html",
        status=422 if errors else 200,
        given=given,
        errors=errors,
        choices=_choices(visit, given),
    )


async def link(visit: UserVisit) -> Answer:
    """Shows the form for a link of a user."""
    user = await visit.service.read(visited_user, visit)
    return await _link_form(visit, user)


def _newest(connection: Connection, user: User) -> str:
    """Returns when the newest link of a user was made: a form that is sent again would end another one."""
    link = password_links.find_newest(connection, user.id, LinkPurpose.INVITATION)
    return "" if link is None else str(link.created)


async def make(visit: UserVisit) -> Answer:
    """Makes a link for a user."""

    def act(connection: Connection, actor: Actor) -> Made:
        user = visited_user(connection, visit)
        if visit.form.get("newest", "") != _newest(connection, user):
            raise StateError(OTHER_LINK)
        return _make(visit, connection, actor, user)

    try:
        made = await visit.make(act, place=lambda made: path_of(made.user), again=LINK_ALREADY)
    except REFUSED as error:
        user = await visit.service.read(visited_user, visit)
        return await _link_form(visit, user, sentence(str(error)))
    return _told(visit, made, "")


async def _link_form(visit: UserVisit, user: User, error: str = "") -> Answer:
    return visit.page(
        "users/link.html",
        status=422 if error else 200,
        user=user,
        path=path_of(user),
        is_active=state_of(user) is AccountState.ACTIVE,
        newest=await visit.service.read(_newest, user),
        error=error,
        choices=_choices(visit, visit.form),
    )


def _choices(visit: UserVisit, given: Mapping[str, str]) -> Choices:
    return Choices(visit.service.has_mail, given.get("way", MAIL), given.get("days", USUAL_LIFETIME))


def _make(visit: UserVisit, connection: Connection, actor: Actor, user: User) -> Made:
    """Makes the link that the form asks for."""
    given = visit.form.get("days")
    days = next((days for days, _ in LIFETIMES if days == given), USUAL_LIFETIME)
    now = visit.service.now()
    expires = now + int(days) * DAY
    if visit.service.has_mail and visit.form.get("way", MAIL) == MAIL:
        invite_by_mail(connection, actor, user, expires, now)
        return Made(user, None, expires)
    return Made(user, make_link(connection, actor, user, expires, now), expires)


def _told(visit: UserVisit, made: Made, before: str) -> Answer:
    if made.secret is None:
        return visit.done(
            f"{before} A link has been mailed to {made.user.email}.".strip(), path_of(made.user)
        )
    return visit.page(
        "users/link_made.html",
        user=made.user,
        before=before,
        link=link_address(visit.service.base_url, made.secret),
        expires=made.expires,
        path=path_of(made.user),
    )


ROUTES = (
    administrator_page(INVITE, invite),
    administrator_making(f"{INVITE}/new", invite_now),
    administrator_page(f"{ONE}/link", link),
    administrator_making(f"{ONE}/link/make", make),
)
