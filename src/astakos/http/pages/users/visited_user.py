"""The user whom a page of administrators is about, and refusals of what is done to them."""

from collections.abc import Callable
from typing import Final, TypeVar

from astakos.administration.state_document import StateError
from astakos.administration.user_registration import UserRefusedError
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.faults import Conflict, ItemNotFound
from astakos.http.pages.visits import UserVisit
from astakos.pages.sentences import sentence
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Connection
from astakos.storage.tables import users

T = TypeVar("T")
USERS: Final = "/ui/admin/users"
ONE: Final = f"{USERS}/{{uuid}}"
NO_USER: Final = "There is no such user."
REFUSED: Final = (UserRefusedError, StateError, ProjectRefusedError)
"""What operations raise if the state of things prevents them."""


def visited_user(connection: Connection, visit: UserVisit) -> User:
    """Returns the user whom the path names.

    Raises:
        ItemNotFound: There is none.
    """
    user = users.find_by_uuid(connection, visit.request.parameter)
    if user is None:
        raise ItemNotFound(NO_USER)
    return user


def path_of(user: User) -> str:
    """Returns the path of the page of a user."""
    return f"{USERS}/{user.uuid}"


async def change_user(visit: UserVisit, change: Callable[[Connection, Actor, User], T]) -> T:
    """Changes something of the user whom the path names, in a transaction. It takes effect at once.

    Raises:
        ItemNotFound: There is no such user.
        Conflict: The state of things prevents it; the message says how.
    """
    try:
        return await visit.change(
            lambda connection, actor: change(connection, actor, visited_user(connection, visit))
        )
    except REFUSED as error:
        raise Conflict(sentence(str(error))) from error
