"""The stored form of a commission's provisions: a JSON document of numbers, with holdings given by id.

Pending: `[[holding, quantity], …]`. If there is more to say, an object (`StoredPending`).
Resolved, with the holding's figures afterwards (`quota-semantics.md` §4):
`[[holding, quantity, settled, limit, usage_min, usage_max], …]`; with a key, an object (`StoredResolved`).

A commission is only read and written as a whole, so one row stores it instead of one for each provision.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from astakos.ledger.counts import Count
from astakos.ledger.operations import Pending, Resolution
from astakos.ledger.overage import Overage
from astakos.ledger.rules import Holding, Key, Provision


class Settled(NamedTuple):
    """A provision of a resolved commission."""

    holding: int
    quantity: int
    settled: int
    limit: int
    usage_min: int
    usage_max: int

    @property
    def after(self) -> Holding:
        """The holding after the resolution."""
        return Holding(self.limit, self.usage_min, self.usage_max)


class StoredCount(NamedTuple):
    """What a provision on the holding `base` counts on another holding; see `ledger.counts.Count`."""

    holding: int
    base: int
    quantity: int
    at_issue: int | None
    first: int = 0


class StoredPending(msgspec.Struct, omit_defaults=True):
    """A pending commission (`astakos.ledger.operations.Pending`), with the ids of holdings."""

    provisions: list[tuple[int, int]]
    counts: list[StoredCount] = []
    overage: Overage = Overage.REFUSE
    progress: list[tuple[int, int]] = []
    key_holder: str | None = None

    def holdings(self) -> list[int]:
        """Returns the ids of the holdings that change when it is resolved."""
        return [holding for holding, _ in self.provisions] + [count.holding for count in self.counts]


class StoredResolved(msgspec.Struct):
    """A resolved commission that was issued for a key, as far as its provisions go."""

    provisions: list[Settled]
    key_holder: str | None = None


_encoder = msgspec.json.Encoder()
_pending = msgspec.json.Decoder(list[tuple[int, int]] | StoredPending)
_granted = msgspec.json.Decoder(tuple[int, ...])
_resolved = msgspec.json.Decoder(list[Settled] | StoredResolved)


def write_pending(pending: Pending, identifiers: Mapping[Key, int]) -> str:
    """Encodes a pending commission."""
    provisions = _pairs(pending.provisions, identifiers)
    is_plain = pending.overage is Overage.REFUSE and pending.key_holder is None
    if is_plain and not pending.counts and not pending.progress:
        return _encoder.encode(provisions).decode()
    counts = [
        StoredCount(identifiers[key], identifiers[base], quantity, at_issue, first)
        for key, base, quantity, at_issue, first in pending.counts
    ]
    progress = _pairs(pending.progress, identifiers)
    stored = StoredPending(provisions, counts, pending.overage, progress, pending.key_holder)
    return _encoder.encode(stored).decode()


def _pairs(provisions: Iterable[Provision], identifiers: Mapping[Key, int]) -> list[tuple[int, int]]:
    return [(identifiers[key], quantity) for key, quantity in provisions]


def read_pending(document: str | bytes) -> StoredPending:
    """Decodes a pending commission, with what it counts on other holdings than it names."""
    pending = _pending.decode(document)
    return StoredPending(pending) if isinstance(pending, list) else pending


def understood(component: int, stored: StoredPending, keys: Mapping[int, Key]) -> Pending:
    """Returns a pending commission; `keys` has the keys of all its holdings by id."""
    provisions = tuple([Provision(keys[holding], quantity) for holding, quantity in stored.provisions])
    counts = tuple(
        [
            Count(keys[holding], keys[base], quantity, at_issue, first)
            for holding, base, quantity, at_issue, first in stored.counts
        ]
    )
    progress = tuple([Provision(keys[holding], quantity) for holding, quantity in stored.progress])
    return Pending(component, provisions, counts, stored.overage, progress, stored.key_holder)


def write_resolved(resolution: Resolution, identifiers: Mapping[Key, int]) -> str:
    """Encodes the provisions of a resolved commission, and its key if it has one."""
    provisions = []
    for one in resolution.settlements:
        after = one.after
        figures = after.limit, after.usage_min, after.usage_max
        provisions.append((identifiers[one.key], one.quantity, one.settled, *figures))
    if resolution.key_holder is None:
        return _encoder.encode(provisions).decode()
    return _encoder.encode({"provisions": provisions, "key_holder": resolution.key_holder}).decode()


def read_resolved(document: str) -> StoredResolved:
    """Decodes the provisions of a resolved commission, and its key."""
    resolved = _resolved.decode(document)
    return StoredResolved(resolved) if isinstance(resolved, list) else resolved


def write_granted(granted: tuple[int, ...] | None) -> str | None:
    """Encodes what an issue was granted, if it was asked for as much as there is room for."""
    return None if granted is None else _encoder.encode(granted).decode()


def read_granted(document: str | bytes | None) -> tuple[int, ...] | None:
    """Decodes what an issue was granted."""
    return _granted.decode(document) if document else None
