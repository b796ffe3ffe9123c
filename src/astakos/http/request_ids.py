"""Request IDs, which link a request, its response, and its log lines."""

import itertools
import re
import secrets

HEADER = b"x-request-id"
ACCEPTABLE = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
"""No blanks and brackets, with which an ID could pass for the text of a log line."""


class RequestIds:
    """Generates IDs that are unique among all processes: a random prefix and a counter."""

    def __init__(self) -> None:
        """Picks the prefix, and starts the counter at 1."""
        self._own = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def id_of(self, given: bytes | None) -> str:
        """Returns the caller's ID if it is safe to repeat in a header and a log, otherwise a new one."""
        if given is not None and ACCEPTABLE.fullmatch(given):
            return given.decode("ascii")
        return f"{self._own}-{next(self._numbers)}"
