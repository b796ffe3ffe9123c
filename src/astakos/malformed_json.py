"""Says why JSON cannot be decoded, where the decoder does not."""

import re
from typing import Final

HALF_A_PAIR: Final = re.compile(rb"(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{2})(?!\\u[dD][c-fC-F])")
"""A high surrogate without the low one that must follow it."""


def why_malformed(content: bytes, error: Exception) -> str:
    """Returns the reason for an exception of the decoder."""
    if isinstance(error, RecursionError):
        return "it nests too deeply"
    half = HALF_A_PAIR.search(content)
    if half is not None:
        # The decoder says that the data is truncated.
        return f"{half[1].decode('ascii')} is half of a surrogate pair (byte {half.start(1)})"
    return str(error)
