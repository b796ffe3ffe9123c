"""Converts the provisions of a request to those of the ledger, in the current form and in that of 0.14.

Clients of 0.14 know one level: the holder is a bare user UUID, and the source is `system` or a bare project
ID. Such a provision charges two holdings: the user's from that project, and the project's own.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from astakos.ledger.key_levels import KEY
from astakos.ledger.rules import UNLIMITED, Key, Provision, merge
from astakos.projects.limits import project_holder, user_holder

OLD_SYSTEM_SOURCE = "system"
BARE_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

BEYOND: Final = UNLIMITED + 1
"""Stands for every larger quantity in the ledger, which refuses all of them alike."""

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
        beyond: Maps ledger keys to the quantities in the request, for those that `BEYOND` stands for.
    """

    provisions: list[Provision] = msgspec.field(default_factory=list)
    spoken: dict[Key, Key] = msgspec.field(default_factory=dict)
    beyond: dict[Key, int] = msgspec.field(default_factory=dict)

    def charge(self, key: Key, quantity: int) -> None:
        """Adds a provision."""
        if abs(quantity) > UNLIMITED:
            self.beyond[key] = quantity
            quantity = BEYOND if quantity > 0 else -BEYOND
        self.provisions.append(Provision(key, quantity))

    def as_asked(self, provision: Provision) -> Provision:
        """Returns a provision of the ledger in the words of the request."""
        key, quantity = provision
        return Provision(self.spoken.get(key, key), self.beyond.get(key, quantity))


class SumOutOfRange(NamedTuple):
    """Several provisions of one holding whose sum no figure can have, with the key in the request."""

    key: Key


def understand(entries: Iterable[RequestedProvision]) -> Requested | RequestedProvision | SumOutOfRange:
    """Returns the provisions for the ledger, or what prevents them.

    A holding that is named once may have any quantity: the ledger compares it with the limit, as it does with
    smaller ones.
    """
    requested = understand_each(entries)
    if isinstance(requested, RequestedProvision):
        return requested
    return _sum_out_of_range(requested) or requested


def understand_each(entries: Iterable[RequestedProvision]) -> Requested | RequestedProvision:
    """Returns the provisions for the ledger, or the first entry whose key cannot be that of a holding."""
    requested = Requested()
    for entry in entries:
        holder, source, resource = entry.holder, entry.source, entry.resource
        if not (isinstance(holder, str) and isinstance(resource, str)):
            return entry
        if not (source is None or isinstance(source, str)) or holder.startswith(KEY):
            return entry
        asked = Key(holder, source, resource)
        for key in _charged(asked):
            if key != asked:
                requested.spoken[key] = asked
            requested.charge(key, int(entry.quantity))
    return requested


def _charged(asked: Key) -> Sequence[Key]:
    """Returns the keys of the ledger for a key in either form."""
    holder, source, resource = asked
    if source is None or not is_bare(holder) or not (source == OLD_SYSTEM_SOURCE or is_bare(source)):
        return (asked,)
    project = project_holder(holder if source == OLD_SYSTEM_SOURCE else source)
    return Key(user_holder(holder), project, resource), Key(project, None, resource)


def _sum_out_of_range(requested: Requested) -> SumOutOfRange | None:
    keys = [key for key, _ in requested.provisions]
    if len(set(keys)) == len(keys):
        return None
    counts = Counter(keys)
    for key, total in merge(requested.provisions):
        if counts[key] > 1 and (key in requested.beyond or abs(total) > UNLIMITED):
            return SumOutOfRange(requested.spoken.get(key, key))
    return None


def is_user_on_system(entry: RequestedProvision) -> bool:
    """Returns whether an entry charges a user on `system`, as clients of 0.14 do."""
    return isinstance(entry.holder, str) and is_bare(entry.holder) and entry.source == OLD_SYSTEM_SOURCE


def is_bare(text: str) -> bool:
    """Returns whether a text is a UUID without anything around it."""
    return BARE_UUID.fullmatch(text) is not None
