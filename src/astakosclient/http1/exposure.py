"""Warns if tokens would travel over plain HTTP."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

from astakosclient.errors import InsecureConnectionWarning

if TYPE_CHECKING:
    from astakosclient.core.address import Address

_warned_of: set[str] = set()


def warn_if_exposed(address: Address) -> None:
    """Warns about plain HTTP to another host, once per host and process.

    Warns:
        InsecureConnectionWarning: anyone on the network path can read the tokens. The warning points at the
            first caller outside this package.
    """
    if address.scheme != "http" or is_loopback(address.host) or address.host in _warned_of:
        return
    warnings.warn(
        f"tokens go to {address.host} over plain http, readable by anyone on the network path; use https",
        InsecureConnectionWarning,
        stacklevel=_level_of_caller(),
    )
    # Last, so that a filter that turns the warning into an error rejects every client, not just the first.
    _warned_of.add(address.host)


def is_loopback(host: str) -> bool:
    """Returns whether a host is this machine, judging by its name or address alone."""
    host = host.lower().rstrip(".")
    return host == "localhost" or host.endswith(".localhost") or host == "::1" or _is_loopback_ipv4(host)


def _is_loopback_ipv4(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdecimal() for part in parts)


def _level_of_caller() -> int:
    """Returns the ``stacklevel`` of the first frame outside this package, for the calling function."""
    level = 1
    frame = sys._getframe(1)  # noqa: SLF001 - the public `inspect` is slow to import
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("astakosclient"):
        frame = frame.f_back
        level += 1
    return level
