"""Administrators: the members of the group that the setting `administrators` names."""

from collections.abc import Iterable

from astakos.administration.journal import Journal
from astakos.administration.state_document import StateError
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.storage.protocol import Connection
from astakos.storage.tables import group_members, settings, users

FIRST_GROUP = "administrators"
"""The group that the first grant creates and names in the setting, unless the setting names another."""


def is_administrator(connection: Connection, user: User) -> bool:
    """Whether a user is an administrator: active, and in the group that the setting names.

    Without the setting, nobody is.
    """
    if not user.is_active:
        return False
    group = settings.find(connection, settings.ADMINISTRATORS)
    return group is not None and group_members.is_member(connection, user.id, group)


def may_manage(connection: Connection, manager: User, user: User) -> bool:
    """Whether somebody who manages users may manage this one: administrators are managed by administrators.

    Otherwise a new password or token of an administrator would make its manager one. Who is in the group and
    not active would be an administrator when activated.
    """
    group = settings.find(connection, settings.ADMINISTRATORS)
    is_safe = group is None or not group_members.is_member(connection, user.id, group)
    return is_safe or is_administrator(connection, manager)


def decides_about_projects(connection: Connection, user: User) -> bool:
    """Whether a user decides about all projects: as a project administrator, or as an administrator."""
    project_admins = settings.find(connection, settings.PROJECT_ADMINS, [])
    return user.uuid in project_admins or is_administrator(connection, user)


def list_administrators(connection: Connection) -> list[User]:
    """Lists the users in the group of administrators; those who are not active can do nothing."""
    group = settings.find(connection, settings.ADMINISTRATORS)
    return [] if group is None else group_members.list_members(connection, group)


def grant_admin(connection: Connection, actor: Actor, user: User, now: int) -> None:
    """Makes a user an administrator. The first time, creates the group and names it in the setting.

    Raises:
        StateError: the user is not active; or no setting names the group, and one with the usual name already
            has members, who would all become administrators.
    """
    if not user.is_active:
        raise StateError(
            f"{user.email} is not active, and so cannot be an administrator; accept or activate them first"
        )
    with Journal(connection, actor, now) as journal:
        group = settings.find(connection, settings.ADMINISTRATORS)
        if group is None:
            group = FIRST_GROUP
            if group_members.list_members(connection, group):
                raise StateError(
                    f"there is already a group {group!r} with members, who would all become administrators",
                    "name the group to use: `astakos setting set administrators GROUP`",
                )
            settings.save(connection, settings.ADMINISTRATORS, group)
            names = {settings.ADMINISTRATORS: group}
            journal.compare("settings", {settings.ADMINISTRATORS: None}, names)
        joined = [*users.names_of_groups(connection, user.id), group]
        users.add_groups(connection, [group])
        _set_groups(connection, journal, user, dict.fromkeys(joined))


def revoke_admin(connection: Connection, actor: Actor, user: User, now: int) -> None:
    """Makes a user an administrator no longer.

    Raises:
        StateError: the user is none.
    """
    group = settings.find(connection, settings.ADMINISTRATORS)
    names = users.names_of_groups(connection, user.id)
    if group is None or group not in names:
        raise StateError(f"{user.email} is not an administrator", "`astakos user admins` lists who is")
    with Journal(connection, actor, now) as journal:
        _set_groups(connection, journal, user, (name for name in names if name != group))


def _set_groups(connection: Connection, journal: Journal, user: User, names: Iterable[str]) -> None:
    before = sorted(users.names_of_groups(connection, user.id))
    users.set_groups(connection, user.id, list(names))
    after = sorted(users.names_of_groups(connection, user.id))
    journal.compare("user", {"groups": before}, {"groups": after}, subject=user.uuid)
