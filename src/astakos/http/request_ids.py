"""An id for each request, by which the caller, the answer and the log speak of it."""

import itertools
import re
import secrets

HEADER = b"x-request-id"
ACCEPTABLE = re.compile(rb"[\x20-\x7e]{1,128}")


class RequestIds:
    """Makes ids that no other process makes: a random part that stays, and a number."""

    def __init__(self) -> None:
        """Begin to count."""
        self._own = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def id_of(self, given: bytes | None) -> str:
        """What the caller calls its request, if that can be repeated in a header and a log; else a new id."""
        if given is not None and ACCEPTABLE.fullmatch(given):
            return given.decode("ascii")
        return f"{self._own}-{next(self._numbers)}"
