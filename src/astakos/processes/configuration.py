"""The configuration of a worker, and the version of the messages between the processes of a service."""

import functools
import hashlib
from typing import Any

import msgspec

from astakos.directory.trusted_proxies import THIS_MACHINE
from astakos.http.dialects.names import NEWEST_NAME
from astakos.http.recent_figures import Figures
from astakos.http.request_counts import Report
from astakos.ledger.frames import Answered, Asked
from astakos.server.limits import Limits

READY = b"\n"
DRAIN = b"\n"
"""Tells a worker that the service will shut down soon."""


class Instructions(msgspec.Struct):
    """The configuration of a worker. It comes through a socket because it can contain passwords."""

    database_url: str
    base_url: str
    queue_limit: int
    log_level: str
    log_format: str
    compatibility: str = NEWEST_NAME
    limits: Limits = Limits()
    trusted_proxies: tuple[str, ...] = THIS_MACHINE
    has_mail: bool = False
    traces: bool = False


@functools.cache
def spoken_version() -> bytes:
    """Identifies the format of all messages between the processes of a service.

    A running supervisor starts workers from the version that is installed at that time. The identifier is a
    hash of the message schemas, without their prose, so that it changes whenever they do.
    """
    messages = [Instructions, Asked, Answered, Report, Figures]
    schemas = [_without_prose(msgspec.json.schema(message)) for message in messages]
    return hashlib.sha256(msgspec.json.encode(schemas, order="sorted")).hexdigest()[:16].encode("ascii")


def _without_prose(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _without_prose(value) for name, value in schema.items() if name != "description"}
    return [_without_prose(value) for value in schema] if isinstance(schema, list) else schema
