"""Converts the provisions of a request to those of the ledger, in the current form and in that of 0.14.

Clients of 0.14 know one level: the holder is a bare user UUID, and the source is `system` or a bare project
ID. Such a provision charges two holdings: the user's from that project, and the project's own.
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
    """The quantity to charge to one holding. `source` is null for a project's own holding."""

    # The original accepts any scalar here. Only strings name a holding.
    holder: Scalar
    source: Scalar
    resource: Scalar
    quantity: int | bool


class Requested(msgspec.Struct, frozen=True):
    """The requested provisions, as the ledger understands them.

    Attributes:
        provisions: Provisions for the ledger.
        spoken: Maps ledger keys to the keys in the request, for provisions in the form of 0.14.
    """

    provisions: list[Provision]
    spoken: dict[Key, Key]


def understand(entries: Iterable[RequestedProvision]) -> Requested | RequestedProvision:
    """Returns the provisions for the ledger, or the first entry whose key cannot be that of a holding."""
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
    """Returns whether an entry charges a user on `system`, as clients of 0.14 do."""
    return isinstance(entry.holder, str) and _is_bare(entry.holder) and entry.source == OLD_SYSTEM_SOURCE


def _is_bare(text: str) -> bool:
    return BARE_UUID.fullmatch(text) is not None
