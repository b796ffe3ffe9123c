"""What a client has learned about its server from the answers so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astakosclient.core.exchange import Answer

HEADER = "astakos-supports"


class Server:
    """What the server says it can do beyond the original Astakos; shared by all calls of a client.

    Only an answer about commissions tells; nothing is assumed before one has come.
    """

    __slots__ = ("_supported",)

    def __init__(self) -> None:
        """Know nothing yet."""
        self._supported: frozenset[str] | None = None

    @property
    def is_known(self) -> bool:
        """Whether it has said what it supports, or that it supports nothing more."""
        return self._supported is not None

    def supports(self, ability: str) -> bool:
        """Whether it is known to have an ability, such as ``idempotency-key``."""
        return self._supported is not None and ability in self._supported

    def learn(self, answer: Answer, *, would_tell: bool) -> None:
        """Take in what an answer says.

        Args:
            answer: any answer of the server, or of something before it.
            would_tell: whether a server that supports more would have said so in this answer. A gateway's
                refusal, which knows nothing of it, does not count.
        """
        said = answer.headers.get(HEADER)
        if said is not None:
            self._supported = frozenset(ability.strip().lower() for ability in said.split(","))
        elif would_tell:
            self._supported = frozenset()
