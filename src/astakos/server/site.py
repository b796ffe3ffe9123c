"""What a server needs of the application behind it."""

from collections.abc import Mapping
from typing import Protocol

from astakos.http.request import Answer, Request
from astakos.server.answers import LastBytes


class Site(Protocol):
    """Answers requests."""

    @property
    def is_ending(self) -> bool:
        """Whether it will end soon, so that each answer should be the last of its connection."""
        ...

    async def start(self) -> None:
        """Begins to work, on the event loop that is running."""
        ...

    def prepare_to_stop(self) -> None:
        """Tells everybody who asks that no more requests will be accepted soon."""
        ...

    async def stop(self) -> None:
        """Lets go of everything; no request is under way any more."""
        ...

    def request_of(
        self, method: str, target: bytes, headers: Mapping[bytes, bytes], peer: tuple[str, int] | None
    ) -> Request:
        """The request of a head."""
        ...

    def body_limit(self, request: Request) -> int:
        """How many bytes of body it needs at most; 0 if it is answered without."""
        ...

    async def respond(self, request: Request) -> Answer | LastBytes:
        """Works out the answer; raises nothing."""
        ...

    def note_gone(self, request: Request) -> None:
        """A client has gone before it had sent its whole request."""
        ...

    def refusal_of(self, status: int, message: str) -> tuple[Answer, str]:
        """The answer to what is not an acceptable request, and an id for it."""
        ...

    def defect(self, request: Request, error: BaseException) -> Answer:
        """The answer to a request that met a defect of the code."""
        ...
