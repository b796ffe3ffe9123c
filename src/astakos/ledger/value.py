"""What all that is asked of the ledger and answered by it has in common."""

import msgspec


class Value(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Cannot be changed, is equal to one with the same content, and can be sent to another process."""
