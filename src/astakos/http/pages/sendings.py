"""A form makes what it makes once, however often it is sent: the number of the form is remembered.

Each page that is served has a number, which its forms carry. Whoever sends a form again (a second click, the
button "back", a reload) sends the same number, and is led to what the first sending made. A number counts for
`LIFETIME`, which is shorter than it is remembered.
"""

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from astakos.clock import DAY
from astakos.storage.tables.retention import KEYS_KEPT
from astakos.storage.tables.sent_forms import Sent

SENDING: Final = "sending"
"""The field that holds the number."""
LIFETIME: Final = DAY
WRITTEN: Final = re.compile(r"([0-9]{1,18})-[0-9a-f]{32}", re.ASCII)
RANDOM_BYTES: Final = 16
UNSURE_TITLE: Final = "Send this form?"
UNSURE: Final = (
    "It was opened long ago, or before this service was updated. What you filled in is still here.",
    "If you are not sure whether you have sent it already, go back and look.",
)

assert 2 * LIFETIME <= KEYS_KEPT  # noqa: S101 - a clock may be ahead of the one that remembers


class SentBeforeError(Exception):
    """A form is sent again at the same time, and has made what it makes meanwhile.

    Attributes:
        sent: What it has made.
    """

    def __init__(self, sent: Sent) -> None:
        """Says what it has made."""
        super().__init__()
        self.sent = sent


def new_sending(now: int, random_bytes: Callable[[int], bytes]) -> str:
    """Returns a number for the forms of a page that is served now."""
    return f"{now}-{random_bytes(RANDOM_BYTES).hex()}"


def counts(sending: str, now: int) -> bool:
    """Whether a number counts: it is one, and not too old."""
    written = WRITTEN.fullmatch(sending)
    return written is not None and abs(now - int(written[1])) <= LIFETIME


def form_of(user: str, path: str, sending: str) -> str:
    """Returns what a form is remembered as.

    Args:
        user: The UUID of who sends it.
        path: The path that it is sent to: a page can have several forms.
        sending: Its number.
    """
    return sha256("\n".join((user, path, sending)).encode("utf-8", "surrogatepass")).hexdigest()
