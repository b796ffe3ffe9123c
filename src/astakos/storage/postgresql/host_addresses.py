"""Resolves the host names of a connection to PostgreSQL within a deadline.

The driver resolves them before it begins to count its timeout, and without a deadline of its own. It leaves
alone hosts that come with an address.
"""

import os
import time
from collections.abc import Mapping
from typing import Any

import psycopg

from astakosclient.http1.name_lookups import Lookup, begin_addresses

ENVIRONMENT = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT"}


def with_addresses(parameters: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Returns the parameters of a connection with an address for each host, in `hostaddr`.

    A host that has several addresses occurs once for each of them. Sockets, and hosts that come with an
    address, stay as they are. A host that cannot be resolved is left out if there are others. If libpq's
    service file says where the server is, all stays as it is: see `service_connection.py`.

    Args:
        parameters: libpq's parameters.
        seconds: how long all lookups together may take.

    Raises:
        psycopg.OperationalError: no host could be resolved in time.
    """
    if names_service(parameters):
        return dict(parameters)
    hosts, given, ports = (_listed(parameters, name) for name in ("host", "hostaddr", "port"))
    is_consistent = len(given) in (0, len(hosts)) and len(ports) in (0, 1, len(hosts))
    given = given or [""] * len(hosts)
    if not is_consistent or not any(map(_is_to_be_resolved, hosts, given)):
        # The driver says what is wrong.
        return dict(parameters)
    end = time.monotonic() + seconds
    failures: list[str] = []
    lookups: list[Lookup[list[Any]] | None] = []
    for host, address in zip(hosts, given, strict=True):
        lookups.append(_begun(host, failures) if _is_to_be_resolved(host, address) else None)
    found: list[tuple[int, str]] = []
    for number, lookup in enumerate(lookups):
        if lookup is not None:
            found += ((number, address) for address in _ended(hosts[number], lookup, end, failures))
        elif not _is_to_be_resolved(hosts[number], given[number]):
            found.append((number, given[number]))
    if not found:
        raise psycopg.OperationalError("\n".join(failures))
    joined = {
        "host": ",".join(hosts[number] for number, _ in found),
        "hostaddr": ",".join(address for _, address in found),
    }
    if len(ports) > 1:
        joined["port"] = ",".join(ports[number] for number, _ in found)
    return {**parameters, **joined}


def names_service(parameters: Mapping[str, Any]) -> bool:
    """Returns whether libpq reads further parameters from its service file, which only libpq can find."""
    return bool(parameters.get("service") or os.environ.get("PGSERVICE"))


def _listed(parameters: Mapping[str, Any], name: str) -> list[str]:
    value = parameters[name] if name in parameters else os.environ.get(ENVIRONMENT[name])
    return str(value).split(",") if value else []


def _is_to_be_resolved(host: str, address: str) -> bool:
    return bool(host) and not host.startswith("/") and not address


def _begun(host: str, failures: list[str]) -> Lookup[list[Any]] | None:
    try:
        return begin_addresses(host, 0)
    except (OSError, UnicodeError) as error:
        failures.append(_told(host, error))
        return None


def _ended(host: str, lookup: Lookup[list[Any]], end: float, failures: list[str]) -> list[str]:
    try:
        found = lookup.result(end - time.monotonic())
    except (OSError, UnicodeError) as error:
        failures.append(_told(host, error))
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _told(host: str, error: Exception) -> str:
    return f"failed to resolve host {host!r}: {error}"
