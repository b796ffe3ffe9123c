"""Verdicts that are kept for a moment, so that Astakos is not asked again at each request."""

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
    """How long, and how many, verdicts are kept.

    Attributes:
        seconds: how old the knowledge that a token is good may become. So long may a token that has been
            withdrawn be let in. 0 keeps nothing: then each request asks. The default, 30, saves 29 of 30
            calls for a user who makes a request a second; longer saves hardly more.
        refused_seconds: the same for tokens that are not good: so long may a new token be refused that was
            tried before it was valid.
        most: how many tokens of each sort are remembered; those not seen for longest are forgotten first.
            Good tokens and bad ones have places of their own: guessing tokens displaces nobody.
    """

    seconds: float = 30.0
    refused_seconds: float = 5.0
    most: int = 10_000

    def __post_init__(self) -> None:
        """Refuse what can not be meant."""
        for name, seconds in (("seconds", self.seconds), ("refused_seconds", self.refused_seconds)):
            if not (isinstance(seconds, int | float) and 0 <= seconds < float("inf")):
                raise BadValue(f"Keeping: {name} must be a number of seconds from 0, not {seconds!r}")
        if not isinstance(self.most, int) or self.most < 1:
            raise BadValue(f"Keeping: most must be a number from 1, not {self.most!r}")


class KeptVerdicts:
    """Verdicts by token. Tokens themselves are not kept: a keyed hash stands for each.

    It is not locked: whoever uses it from several threads does that.
    """

    def __init__(self, keeping: Keeping) -> None:
        """Keep nothing yet."""
        self._keeping = keeping
        self._hash_key = os.urandom(32)
        self._good: OrderedDict[bytes, tuple[float, Verdict]] = OrderedDict()
        self._bad: OrderedDict[bytes, tuple[float, Verdict]] = OrderedDict()

    def key_of(self, token: str) -> bytes:
        """What stands for a token; without the key, which never leaves this object, it tells nothing."""
        return hashlib.blake2b(
            token.encode("utf-8", "surrogatepass"), key=self._hash_key, digest_size=32
        ).digest()

    def get(self, key: bytes, moment: float) -> Verdict | None:
        """The verdict on a token, if one is kept and good at this moment of the monotonic clock."""
        for shelf in (self._good, self._bad):
            kept = shelf.get(key)
            if kept is not None:
                if moment < kept[0]:
                    shelf.move_to_end(key)
                    return kept[1]
                del shelf[key]
        return None

    def put(self, key: bytes, verdict: Verdict, asked: float, *, wall_clock: float | None = None) -> None:
        """Keep a verdict that was asked for at a moment of the monotonic clock.

        It ages from the question on, however long the answer took, and never outlives the token. It takes
        the place of an older one, but that nobody could tell is not kept.
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
