"""In which state the project of a refused charge is, if that is why: it is suspended, or has ended."""

import contextlib
from collections.abc import Iterable, Mapping

from astakos.ledger.operations import KeyReused, Outcome
from astakos.ledger.ports import StorageUnavailableError
from astakos.ledger.rules import NoCapacity, Refusal
from astakos.projects.limits import PROJECT
from astakos.projects.project import ProjectState
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects


async def ended_state(service: Service, refusal: Refusal | KeyReused) -> str:
    """Returns the state of the project that has no room; "" if it is not why."""
    project = _ended(refusal)
    if project is None:
        return ""
    # The refusal is certain, and an answer without the state is better than none.
    with contextlib.suppress(StorageUnavailableError):
        return await service.read(_state, project)
    return ""


async def ended_states(service: Service, outcomes: Iterable[Outcome]) -> Mapping[str, str]:
    """Returns the states of projects that have no room, by uuid, as far as these are why; see `state_in`."""
    wanted = {project for outcome in outcomes if (project := _ended(outcome)) is not None}
    if not wanted:
        return {}

    def read(connection: Connection) -> dict[str, str]:
        return {project: _state(connection, project) for project in wanted}

    with contextlib.suppress(StorageUnavailableError):
        return await service.read_much(read)
    return {}


def state_in(states: Mapping[str, str], refusal: Refusal | KeyReused) -> str:
    """Returns the state of the project that has no room, among those that were read."""
    return states.get(_ended(refusal) or "", "")


def _ended(outcome: Outcome) -> str | None:
    """Returns the uuid of the project that may have ended: its limits are then 0."""
    if not isinstance(outcome, NoCapacity) or outcome.limit != 0:
        return None
    holder, source, _ = outcome.provision.key
    named = holder if source is None else source
    return named.removeprefix(PROJECT) if named.startswith(PROJECT) else None


def _state(connection: Connection, project: str) -> str:
    found = projects.find(connection, project)
    return "" if found is None or found.state is ProjectState.ACTIVE else found.state
