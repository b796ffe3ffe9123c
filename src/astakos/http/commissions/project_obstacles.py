"""Why nothing can be drawn from the project of a refused charge: its state, or limits of meters alone."""

import contextlib
from collections.abc import Iterable, Mapping

from astakos.administration.unusable_meters import find_unusable_meters
from astakos.http.commissions.refused_issues import NO_OBSTACLE, Obstacle
from astakos.ledger.operations import KeyReused, Outcome
from astakos.ledger.ports import StorageUnavailableError
from astakos.ledger.rules import NoCapacity, Refusal
from astakos.projects.limits import PROJECT
from astakos.projects.project import ProjectState
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects


async def obstacle_of(service: Service, refusal: Refusal | KeyReused) -> Obstacle:
    """Returns why nothing can be drawn from the project that has no room, as far as that is why."""
    project = _ended(refusal)
    if project is None:
        return NO_OBSTACLE
    # The refusal is certain, and an answer without the reason is better than none.
    with contextlib.suppress(StorageUnavailableError):
        return await service.read(_obstacle, project)
    return NO_OBSTACLE


async def obstacles_of(service: Service, outcomes: Iterable[Outcome]) -> Mapping[str, Obstacle]:
    """Returns why nothing can be drawn from projects without room, by uuid; see `obstacle_in`."""
    wanted = {project for outcome in outcomes if (project := _ended(outcome)) is not None}
    if not wanted:
        return {}

    def read(connection: Connection) -> dict[str, Obstacle]:
        return {project: _obstacle(connection, project) for project in wanted}

    with contextlib.suppress(StorageUnavailableError):
        return await service.read_much(read)
    return {}


def obstacle_in(obstacles: Mapping[str, Obstacle], refusal: Refusal | KeyReused) -> Obstacle:
    """Returns why nothing can be drawn from the project that has no room, among those that were read."""
    return obstacles.get(_ended(refusal) or "", NO_OBSTACLE)


def _ended(outcome: Outcome) -> str | None:
    """Returns the uuid of the project that may have ended: its limits are then 0."""
    if not isinstance(outcome, NoCapacity) or outcome.limit != 0:
        return None
    holder, source, _ = outcome.provision.key
    named = holder if source is None else source
    return named.removeprefix(PROJECT) if named.startswith(PROJECT) else None


def _obstacle(connection: Connection, project: str) -> Obstacle:
    found = projects.find(connection, project)
    if found is None:
        return NO_OBSTACLE
    if found.state is not ProjectState.ACTIVE:
        return Obstacle(found.state)
    return Obstacle(unusable=tuple(find_unusable_meters(connection, project)))
