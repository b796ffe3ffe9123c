"""`ui/admin/users/<uuid>/sessions/end` and `keys/revoke`: ends what lets somebody act as a user."""

from typing import Final

from astakos.administration.key_changes import NoSuchKeyError, find_key, revoke_key
from astakos.administration.login_sessions import end_session, end_sessions
from astakos.directory.api_keys import prefix_of
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.faults import ItemNotFound
from astakos.http.pages.page_kinds import administrator_action
from astakos.http.pages.users.visited_user import ONE, change_user, path_of, visited_user
from astakos.http.pages.visits import Question, UserVisit
from astakos.http.request import Answer
from astakos.storage.protocol import Connection

ALL: Final = "all"
DIGITS: Final = 18


async def end(visit: UserVisit) -> Answer:
    """Ends one session of the user, or all of them."""
    given = visit.form.get("session", "")
    now = visit.service.now()

    def act(connection: Connection, actor: Actor, user: User) -> tuple[User, int]:
        if given == ALL:
            return user, end_sessions(connection, actor, user, now)
        end_session(connection, actor, user, _number(given), now)
        return user, 1

    user, ended = await change_user(visit, act)
    told = (
        "The login has ended."
        if given != ALL
        else f"{ended} {'login has' if ended == 1 else 'logins have'} ended."
    )
    return visit.done(told, path_of(user))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else 0


async def revoke(visit: UserVisit) -> Answer:
    """Revokes a key of the user, after asking."""
    prefix = prefix_of(visit.form.get("key", ""))
    if not visit.is_confirmed:
        user, name = await visit.service.read(_key, visit, prefix)
        lines = ["Programs that use it are refused at once. This cannot be undone."]
        return visit.ask(Question(f"Revoke the key “{name}”?", lines, "Revoke", path_of(user)))

    def act(connection: Connection, actor: Actor, user: User) -> tuple[User, str]:
        owned = find_key(connection, prefix, user)
        revoke_key(connection, actor, owned, visit.service.now())
        return user, owned.key.name

    user, name = await change_user(visit, act)
    return visit.done(f"The key “{name}” has been revoked.", path_of(user))


def _key(connection: Connection, visit: UserVisit, prefix: str | None) -> tuple[User, str]:
    user = visited_user(connection, visit)
    try:
        return user, find_key(connection, prefix, user).key.name
    except NoSuchKeyError as error:
        raise ItemNotFound("There is no such key. It may have been revoked already.") from error


ROUTES = (
    administrator_action(f"{ONE}/sessions/end", end),
    administrator_action(f"{ONE}/keys/revoke", revoke),
)
