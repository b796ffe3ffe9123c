"""Says what changing one limit of a user's own project would do, before it is done."""

from typing import NamedTuple

from astakos.administration.state_document import StateError
from astakos.administration.unknown_resources import no_such_resource
from astakos.directory.entities import User
from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, quotas, registry


class LimitPreview(NamedTuple):
    """What changes with a limit.

    Attributes:
        before: the limit now.
        after: the limit that it would be.
        default: the default of new users.
        usage: what the user uses and has reserved.
        pending: the reserved part of that.
        room: how much more the user could take; negative if they use more than the limit allows, which they
            keep.
        is_suspended: whether the limit counts only once the user's own project is active again.
    """

    before: int
    after: int
    default: int
    usage: int
    pending: int
    room: int
    is_suspended: bool


def preview_limit(connection: Connection, user: User, resource: str, limit: int, now: int) -> LimitPreview:
    """Returns what a new limit of a resource would do to a user in their own project.

    Raises:
        StateError: there is no such resource, the user has no project of their own, or no such limit can be.
    """
    known = registry.find_resource(connection, resource)
    if known is None:
        raise StateError(no_such_resource(connection, resource))
    if not 0 <= limit <= UNLIMITED:
        raise StateError(f"a limit must be from 0 to {UNLIMITED}")
    project = projects.find(connection, user.uuid)
    if project is None:
        raise StateError(f"{user.email} has no project of their own: accept the user first")
    capacity = projects.capacities_of(connection, user.uuid).get(resource)
    found = quotas.service_quotas(connection, [resource], [user.uuid], [user.uuid], now)
    holding = next((one.member_level for one in found), quotas.NO_HOLDING)
    return LimitPreview(
        before=known.system_default if capacity is None else capacity.project,
        after=limit,
        default=known.system_default,
        usage=holding.usage_max,
        pending=holding.pending,
        room=limit - holding.usage_max,
        is_suspended=project.state is not ProjectState.ACTIVE,
    )
