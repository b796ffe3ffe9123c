"""The stored form of a commission's provisions: a JSON document of numbers, with holdings given by id.

Pending: `[[holding, quantity], …]`.
Resolved, with the holding's figures afterwards (`quota-semantics.md` §4):
`[[holding, quantity, settled, limit, usage_min, usage_max], …]`.

A commission is only read and written as a whole, so one row stores it instead of one for each provision.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from astakos.ledger.operations import Settlement
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


_encoder = msgspec.json.Encoder()
_pending = msgspec.json.Decoder(list[tuple[int, int]])
_settled = msgspec.json.Decoder(list[Settled])


def write_pending(provisions: Iterable[Provision], identifiers: Mapping[Key, int]) -> str:
    """Encode the provisions of a pending commission."""
    return _encoder.encode([(identifiers[key], quantity) for key, quantity in provisions]).decode()


def read_pending(document: str | bytes) -> list[tuple[int, int]]:
    """Decode a pending commission into ids of holdings and quantities."""
    return _pending.decode(document)


def write_settled(settlements: Iterable[Settlement], identifiers: Mapping[Key, int]) -> str:
    """Encode the provisions of a resolved commission."""
    return _encoder.encode(
        [(identifiers[key], quantity, settled, *after) for key, quantity, settled, after in settlements]
    ).decode()


def read_settled(document: str) -> list[Settled]:
    """Decode the provisions of a resolved commission."""
    return _settled.decode(document)
