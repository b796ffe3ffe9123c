"""Holders of the ledger as people call them: persons, projects and keys, with links to their pages."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from astakos.administration.accounts import find_user_if_any
from astakos.directory.api_keys import MARK, prefix_of
from astakos.http.commissions.requested_provisions import is_bare
from astakos.http.pages.projects.visited_project import PROJECTS
from astakos.http.pages.users.visited_user import USERS
from astakos.ledger.key_levels import key_holder, prefix_of_holder
from astakos.projects.limits import project_holder, user_holder, uuid_of_project, uuid_of_user
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, users


class HolderName(NamedTuple):
    """What a holder is called; `path` is that of its page below the base URL, "" if it has none."""

    text: str
    path: str = ""


Names = Mapping[str, HolderName]


def names_of(connection: Connection, holders: Iterable[str]) -> dict[str, HolderName]:
    """Returns what holders and sources are called. Users' own projects are called by their owners."""
    wanted = set(holders)
    own = {uuid: holder for holder in wanted if (uuid := uuid_of_user(holder)) is not None}
    found: dict[str, HolderName] = {}
    for holder in wanted - set(own.values()):
        uuid = uuid_of_project(holder)
        project = None if uuid is None else projects.find(connection, uuid)
        if uuid is None or project is None:
            found[holder] = HolderName(prefix_of_holder(holder) or uuid or holder)
        elif not project.system_project:
            found[holder] = HolderName(project.name, f"{PROJECTS}/{uuid}")
    addresses = users.names_of(connection, (_uuid(holder) for holder in wanted - found.keys()))
    for holder in wanted - found.keys():
        uuid = _uuid(holder)
        address = addresses.get(uuid)
        found[holder] = HolderName(uuid) if address is None else HolderName(address, f"{USERS}/{uuid}")
    return found


def _uuid(holder: str) -> str:
    return uuid_of_user(holder) or uuid_of_project(holder) or holder


def find_holder(connection: Connection, text: str) -> str:
    """Returns the holder that people mean by an address, a name of a project, a UUID, or a key's beginning.

    Raises:
        ValueError: There is none, or more than one. The message says what would be right.
    """
    if text.startswith(MARK):
        prefix = prefix_of(text)
        if prefix is None:
            raise ValueError("Write what the key begins with, such as astk_k3j9x2mq.")
        return key_holder(prefix)
    user = find_user_if_any(connection, text)
    if user is not None:
        return user_holder(user.uuid)
    return find_project(connection, text)


def find_project(connection: Connection, text: str) -> str:
    """Returns the ledger's name of the project that people mean by its name or UUID.

    Raises:
        ValueError: There is none, or more than one. The message says what would be right.
    """
    if is_bare(text):
        # One that is gone is still in the history.
        return project_holder(text.lower())
    named = projects.list_named(connection, text)
    if not named:
        raise ValueError(f"Nobody and nothing is called {text}. Write a whole name or address, or a UUID.")
    if len(named) > 1:
        raise ValueError(f"Several projects are called {text}. Write the UUID.")
    return project_holder(named[0].uuid)
