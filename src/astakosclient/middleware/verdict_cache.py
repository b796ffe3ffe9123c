"""Caches verdicts on tokens, so that not every request needs a call to Astakos."""

from __future__ import annotations

import hashlib
import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from astakosclient.errors import BadValue
from astakosclient.middleware.verdicts import Identity, Refused

if TYPE_CHECKING:
    from astakosclient.middleware.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Keeping:
    """Limits of the verdict cache.

    Attributes:
        seconds: how long to cache valid tokens, in seconds. A revoked token may be accepted for this long. 0
            disables caching. The default, 30, saves 29 of 30 calls for a user who sends one request per
            second; longer times save little more.
        refused_seconds: how long to cache invalid tokens, in seconds. A token that was used before it became
            valid may be refused for this long.
        most: maximum number of cached tokens, separately for valid and invalid ones, so that guessing tokens
            cannot evict valid ones. The least recently used are evicted first.
    """

    seconds: float = 30.0
    refused_seconds: float = 5.0
    most: int = 10_000

    def __post_init__(self) -> None:
        """Raises `BadValue` if an attribute is out of range."""
        for name, seconds in (("seconds", self.seconds), ("refused_seconds", self.refused_seconds)):
            if not (isinstance(seconds, int | float) and 0 <= seconds < float("inf")):
                raise BadValue(f"Keeping: {name} must be a number of seconds, 0 or more, not {seconds!r}")
        if not isinstance(self.most, int) or self.most < 1:
            raise BadValue(f"Keeping: most must be a number of tokens, 1 or more, not {self.most!r}")


class KeptVerdicts:
    """Verdicts by token, with keyed hashes in place of the tokens. Not thread-safe; the caller must lock."""

    def __init__(self, keeping: Keeping) -> None:
        """Creates an empty cache.

        Raises:
            BadValue: ``keeping`` is no `Keeping`.
        """
        if not isinstance(keeping, Keeping):
            raise BadValue(f"keeping must be a Keeping(seconds=…), not a {type(keeping).__name__}")
        self._keeping = keeping
        self._hash_key = os.urandom(32)
        self._good: OrderedDict[bytes, tuple[float, Verdict]] = OrderedDict()
        self._bad: OrderedDict[bytes, tuple[float, Verdict]] = OrderedDict()

    def key_of(self, token: str, address: str | None = None) -> bytes:
        """Returns the keyed hash of a token and where it came from; the key never leaves this object."""
        text = token if address is None else f"{address}\n{token}"
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"), key=self._hash_key, digest_size=32
        ).digest()

    def get(self, key: bytes, moment: float) -> Verdict | None:
        """Returns the cached verdict on a token, or None if there is none or it is too old.

        Args:
            key: the token's key; see `key_of`.
            moment: the current time on the monotonic clock.
        """
        for shelf in (self._good, self._bad):
            kept = shelf.get(key)
            if kept is not None:
                if moment < kept[0]:
                    shelf.move_to_end(key)
                    return kept[1]
                del shelf[key]
        return None

    def put(self, key: bytes, verdict: Verdict, asked: float, *, wall_clock: float | None = None) -> None:
        """Caches a verdict, replacing an older one; removes the entry if the verdict is `Unavailable`.

        The entry expires with the token at the latest.

        Args:
            key: the token's key; see `key_of`.
            verdict: the verdict on the token.
            asked: when the inquiry began, on the monotonic clock; the age of the entry counts from then.
            wall_clock: the current time in seconds since the epoch; the default is the system clock.
        """
        self._good.pop(key, None)
        self._bad.pop(key, None)
        if isinstance(verdict, Identity):
            seconds = self._keeping.seconds
            if verdict.expires is not None:
                left = verdict.expires - (time.time() if wall_clock is None else wall_clock)
                seconds = min(seconds, left)
            shelf = self._good
        elif isinstance(verdict, Refused):
            seconds = self._keeping.refused_seconds
            shelf = self._bad
        else:
            return
        if seconds <= 0:
            return
        shelf[key] = (asked + seconds, verdict)
        if len(shelf) > self._keeping.most:
            shelf.popitem(last=False)
