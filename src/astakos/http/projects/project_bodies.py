"""The bodies that describe a project; reading them checks types and policies (`http-api.md` §9)."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from astakos.http.bodies import JsonBody
from astakos.projects.project import Capacity, Policy
from astakos.projects.specification import Specification


class CapacityBody(msgspec.Struct):
    """The limits of a resource, for the whole project and for each member; the second is not larger."""

    project_capacity: int
    member_capacity: int


class ModificationBody(msgspec.Struct, kw_only=True):
    """What to change. What is missing stays as it is; so does a text, a flag, an owner that is null.

    `parent` is the UUID of the project that a new project shall be within. The action `move` changes it.

    `max_members` is a number, a text with a unit as in `"2k"` for 2048, or `"inf"`.
    """

    name: str | UnsetType = UNSET
    owner: str | UnsetType | None = UNSET
    homepage: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    comments: str | UnsetType | None = UNSET
    start_date: str | UnsetType | None = UNSET
    end_date: str | UnsetType = UNSET
    join_policy: Policy | UnsetType = UNSET
    leave_policy: Policy | UnsetType = UNSET
    max_members: int | str | UnsetType = UNSET
    private: bool | UnsetType | None = UNSET
    parent: str | UnsetType | None = UNSET
    resources: dict[str, CapacityBody] | UnsetType = UNSET


class NewProjectBody(ModificationBody, kw_only=True):
    """What the new project shall be. The default owner is the caller."""

    name: str
    end_date: str


NEW_PROJECT = JsonBody(NewProjectBody)
MODIFICATION = JsonBody(ModificationBody)


def specification_of(body: ModificationBody) -> Specification:
    """Returns what a body asks for."""
    given: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET
    }
    for name in ("owner", "parent"):
        if given.get(name) is not None:
            given[name] = given[name].lower()
    resources: dict[str, CapacityBody] = given.pop("resources", {})
    capacities = {
        name: Capacity(one.project_capacity, one.member_capacity) for name, one in resources.items()
    }
    return Specification(**given, resources=capacities)
