"""Sends a message to a webhook: to an address that was checked, within one deadline, and to no other URL.

The name is resolved once, all its addresses are checked, and one of these is connected to, so that nothing
can change in between. Redirects are not followed: a 3xx is a failure, and leads to no other address.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from astakos.deliveries.deadline import Deadline
from astakos.deliveries.failure_wording import in_words
from astakos.deliveries.outcomes import DeliveryError
from astakos.directory.destination_addresses import AllowedAddresses
from astakosclient.http1.name_lookups import resolve

EXCHANGE_SECONDS = 15.0
"""How long an exchange may take, from the first connection to the head of the answer."""
NAME_SECONDS = 10.0
"""How long the name of the receiver may be looked up, before the exchange."""
PORTS = {"http": 80, "https": 443}
GONE = 410
SUCCESS = range(200, 300)
REDIRECTS = range(300, 400)


class _Place(NamedTuple):
    """Where a URL leads."""

    parts: SplitResult
    host: str
    port: int


def send(url: str, headers: Mapping[str, str], body: bytes, allowed: AllowedAddresses) -> None:
    """Posts a message.

    Raises:
        DeliveryError: the receiver has not answered with 2xx in time.
    """
    parts = urlsplit(url)
    place = _Place(parts, parts.hostname or "", parts.port or PORTS[parts.scheme.lower()])
    addresses = _resolved(place, allowed)
    with Deadline(EXCHANGE_SECONDS) as deadline:
        try:
            status = _status_of(place, addresses, headers, body, deadline)
        except (OSError, http.client.HTTPException) as error:
            if deadline.is_over or isinstance(error, TimeoutError):
                raise DeliveryError(f"no answer within {EXCHANGE_SECONDS:g} seconds") from None
            raise DeliveryError(f"{place.host}:{place.port} {in_words(error)}") from None
    if status in REDIRECTS:
        raise DeliveryError(f"answered {status}; redirects are not followed")
    if status == GONE:
        raise DeliveryError("answered 410: the receiver is gone", is_gone=True)
    if status not in SUCCESS:
        raise DeliveryError(f"answered {status}")


def _resolved(place: _Place, allowed: AllowedAddresses) -> list[str]:
    """Returns the addresses of a host, all of which may be connected to."""
    try:
        found = resolve(place.host, place.port, NAME_SECONDS)
    except (OSError, UnicodeError) as error:
        raise DeliveryError(f"{place.host} {in_words(error)}") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    refusal = allowed.refuse(addresses)
    if refusal is not None:
        raise DeliveryError(refusal)
    if place.parts.scheme.lower() == "http" and not allowed.are_own(addresses):
        raise DeliveryError("http is only for networks in the setting webhook_networks; use https")
    return addresses


def _status_of(
    place: _Place, addresses: list[str], headers: Mapping[str, str], body: bytes, deadline: Deadline
) -> int:
    connection = http.client.HTTPConnection(place.host, place.port)
    with _connected(place, addresses, deadline) as connection.sock:
        target = place.parts.path or "/"
        if place.parts.query:
            target += f"?{place.parts.query}"
        connection.putrequest("POST", target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", place.parts.netloc)
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Connection", "close")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        # The body of the answer is not read: nothing in it matters.
        with connection.getresponse() as answer:
            return answer.status


def _connected(place: _Place, addresses: list[str], deadline: Deadline) -> socket.socket:
    """Connects to the first address that answers."""
    end = time.monotonic() + EXCHANGE_SECONDS
    for number, address in enumerate(addresses, start=1):
        # An address that does not answer must leave time for the others.
        patience = max((end - time.monotonic()) / (len(addresses) - number + 1), 0.1)
        try:
            connection = socket.create_connection((address, place.port), patience)
            break
        except OSError:
            if number == len(addresses):
                raise
    connection.settimeout(EXCHANGE_SECONDS)
    deadline.watch(connection)
    if place.parts.scheme.lower() != "https":
        return connection
    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=place.host)
    except BaseException:
        connection.close()
        raise
