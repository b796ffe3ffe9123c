"""The provisions of a request as the ledger's, in the dialect of today and in the oldest.

Clients of 0.14 know one level: the holder is a bare user uuid, the source is `system` (or a bare project id).
That is the user's charge on that project, at both levels.
"""

import re
from collections.abc import Iterable

import msgspec

from astakos.ledger.rules import Key, Provision
from astakos.projects.limits import project_holder, user_holder

OLD_SYSTEM_SOURCE = "system"
BARE_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

Scalar = str | int | float | bool | None


class RequestedProvision(msgspec.Struct, omit_defaults=True):
    """One entry of `provisions`; what names a holding may be any plain value, but only texts name one."""

    holder: Scalar
    source: Scalar
    resource: Scalar
    quantity: int | bool


class Requested(msgspec.Struct, frozen=True):
    """What was asked for, as the ledger understands it.

    `spoken` keeps, for keys that stem from the old dialect, how the request called them.
    """

    provisions: list[Provision]
    spoken: dict[Key, Key]


def understand(entries: Iterable[RequestedProvision]) -> Requested | RequestedProvision:
    """The ledger's provisions, or the first entry that names what can not be a holding."""
    provisions: list[Provision] = []
    spoken: dict[Key, Key] = {}
    for entry in entries:
        holder, source, resource = entry.holder, entry.source, entry.resource
        if not (isinstance(holder, str) and isinstance(resource, str)):
            return entry
        if not (source is None or isinstance(source, str)):
            return entry
        quantity = int(entry.quantity)
        if source is not None and _is_bare(holder) and (source == OLD_SYSTEM_SOURCE or _is_bare(source)):
            project = project_holder(holder if source == OLD_SYSTEM_SOURCE else source)
            for key in (Key(user_holder(holder), project, resource), Key(project, None, resource)):
                spoken[key] = Key(holder, source, resource)
                provisions.append(Provision(key, quantity))
        else:
            provisions.append(Provision(Key(holder, source, resource), quantity))
    return Requested(provisions, spoken)


def is_user_on_system(entry: RequestedProvision) -> bool:
    """Whether an entry charges a user on `system`, as clients of 0.14 do."""
    return isinstance(entry.holder, str) and _is_bare(entry.holder) and entry.source == OLD_SYSTEM_SOURCE


def _is_bare(text: str) -> bool:
    return BARE_UUID.fullmatch(text) is not None
