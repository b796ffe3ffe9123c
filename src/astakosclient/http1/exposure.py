"""A warning to those whose tokens would travel in the clear."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

from astakosclient.errors import InsecureConnectionWarning

if TYPE_CHECKING:
    from astakosclient.core.address import Address

_warned_of: set[str] = set()


def warn_if_exposed(address: Address) -> None:
    """Warn of plain HTTP to another host, once for each host in this process.

    Warns:
        InsecureConnectionWarning: whoever is on the way to the host can read the tokens. It points at the
            first caller outside of this package.
    """
    if address.scheme != "http" or is_loopback(address.host) or address.host in _warned_of:
        return
    warnings.warn(
        f"tokens go to {address.host} over plain http, for all on the way to read: use https",
        InsecureConnectionWarning,
        stacklevel=_level_of_caller(),
    )
    # Not before: who turns warnings into errors means every client.
    _warned_of.add(address.host)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by its name or address alone."""
    host = host.lower().rstrip(".")
    return host == "localhost" or host.endswith(".localhost") or host == "::1" or _is_loopback_ipv4(host)


def _is_loopback_ipv4(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdecimal() for part in parts)


def _level_of_caller() -> int:
    """How far up the stack the caller of this package is, seen from the function that calls this one."""
    level = 1
    frame = sys._getframe(1)  # noqa: SLF001 - its official form imports half of the library
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("astakosclient"):
        frame = frame.f_back
        level += 1
    return level
