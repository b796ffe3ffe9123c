"""The provisions of commissions as pages show them: how much of what, for whom, and in which project."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from astakos.directory.entities import Resource
from astakos.http.pages.holder_names import HolderName, Names
from astakos.ledger.key_levels import prefix_of_holder
from astakos.ledger.rules import Holding, Key
from astakos.projects.limits import uuid_of_project

Resources = Mapping[str, Resource]


class ShownProvision(NamedTuple):
    """A provision.

    Attributes:
        resource: the name of the resource.
        unit: its unit; None if it counts things.
        scale: how many digits after the point amounts in that unit have.
        quantity: how much was asked for.
        holder: who is charged.
        project: the project that it is drawn from; None if it is the holder's own, or the holder.
        settled: how much came of it; None while that is open.
        holding: the figures of the holding, if they are known.
        level: whose limit it counts against: "user", "project" or "key".
    """

    resource: str
    unit: str | None
    scale: int
    quantity: int
    holder: HolderName
    project: HolderName | None
    settled: int | None = None
    holding: Holding | None = None
    level: str = ""


def shown(
    key: Key,
    quantity: int,
    names: Names,
    resources: Resources,
    *,
    settled: int | None = None,
    holding: Holding | None = None,
) -> ShownProvision:
    """Returns a provision as pages show it."""
    resource = resources.get(key.resource)
    project = None if key.source is None else names[key.source]
    return ShownProvision(
        key.resource,
        None if resource is None else resource.unit,
        0 if resource is None else resource.scale,
        quantity,
        names[key.holder],
        None if project == names[key.holder] else project,
        settled,
        holding,
        _level(key),
    )


def _level(key: Key) -> str:
    if prefix_of_holder(key.holder) is not None:
        return "key"
    return "project" if key.source is None and uuid_of_project(key.holder) is not None else "user"


def holders_of(keys: Iterable[Key]) -> set[str]:
    """Returns all holders and sources of holdings."""
    return {name for key in keys for name in (key.holder, key.source) if name is not None}


def of_persons(keys: Sequence[Key]) -> set[Key]:
    """Returns the holdings that say who is charged: those that draw from others, if any does.

    A service charges a person and, with the same quantity, the project that they draw from.
    """
    return {key for key in keys if key.source is not None} or set(keys)
