"""Faults as exceptions, and the envelope that responses carry them in (`http-api.md` §4)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from astakos.directory.api_keys import without_secrets

MINUTE = 60
HOUR = 60 * MINUTE
CHALLENGE_HEADER = "WWW-Authenticate"
CHALLENGE = 'Bearer realm="astakos"'
"""How to authenticate (RFC 6750, 3). An error code follows, unless the request carried no token."""


def challenged_with(error: str) -> Mapping[str, str]:
    """Returns the header that says what is wrong with the token of a request, in the codes of RFC 6750."""
    return {CHALLENGE_HEADER: f'{CHALLENGE}, error="{error}"'}


class Fault(Exception):  # noqa: N818 - "fault" is the protocol's word
    """A refused request, with a status and a name. The message says what is wrong and how to correct it."""

    status = 500
    name = "internalServerError"
    header_names: ClassVar[tuple[str, ...]] = ()
    """Headers that the response always carries."""

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Sets the message, which must not contain a secret. API keys in it are cut after their prefix."""
        self.message = without_secrets(message)
        super().__init__(self.message)
        self.headers: Mapping[str, str] = headers or {}

    def envelope(self) -> dict[str, Any]:
        """Returns the JSON document: a single key, the name of the fault."""
        return {self.name: {"code": self.status, "message": self.message, "details": ""}}


class BadRequest(Fault):
    """The request is invalid."""

    status = 400
    name = "badRequest"


class TwoTokens(BadRequest):
    """The request carries two tokens that differ."""

    def __init__(self) -> None:
        """Sets a fixed message."""
        super().__init__(
            "X-Auth-Token and Authorization carry different tokens. Send one of them.",
            challenged_with("invalid_request"),
        )


class Unauthorized(Fault):
    """The token is missing or invalid."""

    status = 401
    name = "unauthorized"
    header_names = (CHALLENGE_HEADER,)

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Sets the message. Unless the headers say otherwise, the token is invalid."""
        super().__init__(message, headers or challenged_with("invalid_token"))


class TokenMissing(Unauthorized):
    """The request carries no token."""

    def __init__(self) -> None:
        """Sets a fixed message."""
        super().__init__(
            "The token is missing. Send it in the header X-Auth-Token, or as Authorization: Bearer.",
            {CHALLENGE_HEADER: CHALLENGE},
        )


class Forbidden(Fault):
    """The caller is authenticated but lacks permission."""

    status = 403
    name = "forbidden"


class NotForKey(Forbidden):
    """The request carries a key that may not make the call."""

    def __init__(self, message: str) -> None:
        """Sets the message."""
        super().__init__(message, challenged_with("insufficient_scope"))


class ScopeTooSmall(Forbidden):
    """The request carries an OAuth2 access token whose scope does not cover what it asks for."""

    def __init__(self, message: str) -> None:
        """Sets the message."""
        super().__init__(message, challenged_with("insufficient_scope"))


class ItemNotFound(Fault):
    """The requested object does not exist."""

    status = 404
    name = "itemNotFound"


class NotAllowed(Fault):
    """The path does not support the method, or the state of the user does not allow the call."""

    status = 405
    name = "notAllowed"
    header_names = ("Allow",)

    def __init__(self, message: str, allowed: tuple[str, ...]) -> None:
        """Lists the supported methods. The list is empty if the method is not the problem."""
        super().__init__(message, {"Allow": ",".join(allowed)})

    @classmethod
    def method(cls, method: str, allowed: tuple[str, ...]) -> "NotAllowed":
        """Returns the fault for a method that the path does not support."""
        return cls(f"{method} is not allowed here; use {','.join(allowed)}.", allowed)


class Conflict(Fault):
    """The request conflicts with the current state of an object."""

    status = 409
    name = "conflict"


class BodyTooLarge(Fault):
    """The request body exceeds the size limit."""

    status = 413
    name = "overLimit"

    def __init__(self, limit: int) -> None:
        """Sets the limit, in bytes."""
        super().__init__(f"The body exceeds {limit} bytes. Send a smaller body.")


class UnprocessableEntity(Fault):
    """The Idempotency-Key was already used with a different body, or for another call."""

    status = 422
    name = "unprocessableEntity"


class FailedDependency(Fault):
    """An operation was not carried out because another one in the same request was refused."""

    status = 424
    name = "failedDependency"


class TooMany(Fault):
    """The caller has sent too much of something within some time."""

    status = 429
    name = "overLimit"
    header_names = ("Retry-After",)
    what: ClassVar[str]

    def __init__(self, retry_after: int) -> None:
        """Sets the number of seconds to wait before the next attempt."""
        message = f"{self.what}. Try again in {in_words(retry_after)}."
        super().__init__(message, {"Retry-After": str(retry_after)})
        self.retry_after = retry_after


class TooManyAttempts(TooMany):
    """Too many wrong passwords or other secrets were sent."""

    what = "Too many wrong attempts"


class TooManyLinks(TooMany):
    """Too many links to set a password were asked for."""

    what = "Too many links were asked for"


class TooMuchFeedback(TooMany):
    """A user has sent too much feedback."""

    what = "You have sent too much feedback"


class TooManyChanges(TooMany):
    """A user who is not an administrator has changed too much within an hour or a day."""

    what = "You have made too many changes; nothing was changed"


class TooManyApplications(TooManyChanges):
    """A user who is not an administrator has applied too often within a day."""

    what = "You have sent too many applications within a day; nothing was changed"


class TooManyChangesOfMembership(TooManyChanges):
    """A user who is not an administrator has changed one membership too often within a day."""

    what = "You have changed this membership too often within a day; nothing was changed"


class TooManyKeys(TooManyChanges):
    """A user who is not an administrator has made too many keys within a day."""

    what = "You have made too many keys within a day; no further one was made"


def in_words(seconds: int) -> str:
    """Returns a time to wait: seconds up to a minute, then minutes, then hours, rounded up."""
    number, unit = seconds, "second"
    if seconds >= HOUR:
        number, unit = -(-seconds // HOUR), "hour"
    elif seconds >= MINUTE:
        number, unit = -(-seconds // MINUTE), "minute"
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


SOON = {"Retry-After": "1"}
"""When to send a request again that was refused because of the present load: after a second."""


class TooManyRequests(Fault):
    """The caller has too much in progress. The request had no effect."""

    status = 429
    name = "overLimit"
    header_names = ("Retry-After",)

    def __init__(self, message: str) -> None:
        """Sets the message."""
        super().__init__(message, SOON)


OUTCOME_HEADER = "Astakos-Outcome"
NOT_CARRIED_OUT = {OUTCOME_HEADER: "not-carried-out"}


class ServiceUnavailable(Fault):
    """The service cannot handle the request now. The request had no effect."""

    status = 503
    name = "serviceUnavailable"
    header_names = ("Retry-After", OUTCOME_HEADER)

    def __init__(self, message: str) -> None:
        """Sets the message."""
        super().__init__(message, {**SOON, **NOT_CARRIED_OUT})


class OutcomeUnknown(Fault):
    """Whether the request has taken effect, or still will, is unknown."""

    status = 503
    name = "outcomeUnknown"
    header_names = ("Retry-After", OUTCOME_HEADER)

    def __init__(self, message: str) -> None:
        """Sets the message."""
        super().__init__(message, {**SOON, OUTCOME_HEADER: "unknown"})


class InternalServerError(Fault):
    """An unexpected error. Its cause is in the log of the service."""

    def __init__(self) -> None:
        """Sets a fixed message, which does not reveal the cause."""
        super().__init__("The service failed to process this request. The cause is in its log.")
