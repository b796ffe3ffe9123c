"""The common base of the ledger's operations and outcomes."""

import msgspec


class Value(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """An immutable value, compared by content, that can be sent to another process."""
