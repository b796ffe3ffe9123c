"""What the processes of a service tell each other, and how each of them begins."""

import functools
import gc
import hashlib

import msgspec

from astakos.http.dialects.choice import NEWEST_NAME
from astakos.http.request_counts import Report
from astakos.ledger.frames import Answered, Asked
from astakos.service.mail import Mailer

READY = b"\n"
DRAIN = b"\n"
"""Tells a worker that the service will end soon."""
GARBAGE_THRESHOLD = 100_000
"""How many more values than before there must be before the collector looks for cycles among them."""


class Instructions(msgspec.Struct):
    """What a worker has to know; it comes through a socket, since it may hold passwords."""

    database_url: str
    base_url: str
    queue_limit: int
    log_level: str
    log_format: str
    mailer: Mailer | None = None
    compatibility: str = NEWEST_NAME


@functools.cache
def spoken_version() -> bytes:
    """Identifies the form of everything that the processes of one service send to each other.

    A supervisor that still runs starts workers from whatever is installed by then. The version is made from
    the messages themselves, so that no change of them can be forgotten here.
    """
    messages = [Instructions, Asked, Answered, Report]
    schemas = [msgspec.json.schema(message) for message in messages]
    return hashlib.sha256(msgspec.json.encode(schemas, order="sorted")).hexdigest()[:16].encode("ascii")


def keep_what_is_there() -> None:
    """Let the collector look at new values only.

    What has been imported stays for good: looking through it for garbage again and again costs a twentieth of
    the speed under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
