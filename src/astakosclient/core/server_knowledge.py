"""Tracks which protocol extensions the server supports, from the responses seen so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astakosclient.core.exchange import Answer

HEADER = "astakos-supports"


class Server:
    """Extensions of the Astakos protocol that the server supports; shared by all calls of a client.

    A server lists them in the ``Astakos-Supports`` header of responses about commissions. Until such a
    response arrives, support is unknown.
    """

    __slots__ = ("_supported",)

    def __init__(self) -> None:
        """Starts with support unknown."""
        self._supported: frozenset[str] | None = None

    @property
    def is_known(self) -> bool:
        """Whether support is known, including "supports no extensions"."""
        return self._supported is not None

    def supports(self, ability: str) -> bool:
        """Returns whether the server is known to support an extension, for example ``idempotency-key``."""
        return self._supported is not None and ability in self._supported

    def learn(self, answer: Answer, *, would_tell: bool) -> None:
        """Updates what is known from the headers of a response.

        Args:
            answer: any response, from the server or from a gateway in front of it.
            would_tell: whether a server with extensions always sends the header with this response. If so,
                a missing header means no extensions. False for responses that a gateway may have made.
        """
        said = answer.headers.get(HEADER)
        if said is not None:
            self._supported = frozenset(ability.strip().lower() for ability in said.split(","))
        elif would_tell:
            self._supported = frozenset()
