"""Refusals as exceptions, and the envelope in which they are answered (`http-api.md` §4)."""

from collections.abc import Mapping
from typing import Any


class Fault(Exception):  # noqa: N818 - "fault" is the protocol's word
    """A refusal with a status and a name; the message says what is wrong and what would be right."""

    status = 500
    name = "internalServerError"

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Say what is wrong; never with a secret in it."""
        super().__init__(message)
        self.message = message
        self.headers: Mapping[str, str] = headers or {}

    def envelope(self) -> dict[str, Any]:
        """The JSON document: one key, the fault's name."""
        return {self.name: {"code": self.status, "message": self.message, "details": ""}}


class BadRequest(Fault):
    """The request makes no sense as it stands."""

    status = 400
    name = "badRequest"


class Unauthorized(Fault):
    """The token is missing, or does not count."""

    status = 401
    name = "unauthorized"


class Forbidden(Fault):
    """The caller is known, and may not do this."""

    status = 403
    name = "forbidden"


class ItemNotFound(Fault):
    """What the request is about does not exist."""

    status = 404
    name = "itemNotFound"


class NotAllowed(Fault):
    """The route has no such method, or the state of the user does not allow it."""

    status = 405
    name = "notAllowed"

    def __init__(self, message: str, allowed: tuple[str, ...]) -> None:
        """Name the methods that it has; none if it is not the method that is wrong."""
        super().__init__(message, {"Allow": ",".join(allowed)})

    @classmethod
    def method(cls, method: str, allowed: tuple[str, ...]) -> "NotAllowed":
        """A method was used that the route does not have."""
        return cls(f"{method} is not allowed here; use {','.join(allowed)}.", allowed)


class Conflict(Fault):
    """What is there already does not go together with it."""

    status = 409
    name = "conflict"


class BodyTooLarge(Fault):
    """The body is larger than any sensible request."""

    status = 413
    name = "overLimit"

    def __init__(self, limit: int) -> None:
        """Name the limit in bytes."""
        super().__init__(f"The body is larger than {limit} bytes; send less at a time.")


class TooManyAttempts(Fault):
    """Too many wrong passwords have been tried."""

    status = 429
    name = "overLimit"

    def __init__(self, retry_after: int) -> None:
        """Say after how many seconds to try again."""
        message = f"Too many wrong passwords; try again after {retry_after} seconds."
        super().__init__(message, {"Retry-After": str(retry_after)})


class ServiceUnavailable(Fault):
    """The service can not do it now."""

    status = 503
    name = "serviceUnavailable"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        """Say after how many seconds to try again."""
        super().__init__(message, {"Retry-After": str(retry_after)})


class InternalServerError(Fault):
    """Something is wrong here; what, stands in the log."""

    def __init__(self) -> None:
        """Say no more than that to the caller."""
        super().__init__("The service failed to answer this request. The cause stands in its log.")
