"""Answers to requests that are refused, in the form that OpenAI's clients read."""

import logging
import math
from datetime import UTC, datetime
from typing import Any

from astakosclient.errors import AstakosClientException, Forbidden, NotFound, QuotaLimit, Unauthorized

log = logging.getLogger(__name__)

OWNERS = {"key": "Your key's", "project": "Your project's", "parent": "The parent project's"}
"""Whose budget has no room, by the level of the refusal, as its caller is told."""


class Refused(Exception):  # noqa: N818 - an answer
    """The request is answered with an error.

    Attributes:
        status: The HTTP status.
        message: For people.
        code: For programs, for example ``insufficient_quota``.
        headers: Headers of the answer.
    """

    def __init__(self, status: int, message: str, code: str, **headers: str) -> None:
        """Sets the answer; header names have underscores in place of hyphens."""
        super().__init__(message)
        self.status, self.message, self.code = status, message, code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    @property
    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        return openai_error(self.status, self.message, self.code)


def openai_error(status: int, message: str, code: str = "") -> dict[str, Any]:
    """Returns an error as OpenAI's clients read it."""
    kinds = {401: "authentication_error", 403: "permission_error", 429: code}
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code or None}}


def refusal_of(error: AstakosClientException, *, writes: bool = True) -> Refused:
    """Returns how to answer a request that could not be reserved, or whose caller could not be identified.

    Args:
        error: Why not.
        writes: Whether its model writes text, so that a lower `max_tokens` helps.
    """
    if isinstance(error, QuotaLimit):
        return _no_room(error, writes=writes)
    if isinstance(error, Forbidden | NotFound):
        log.warning("cannot charge: %s", error)
        return Refused(403, "You cannot draw from this project.", "no_such_project")
    hint = "the gateway's token is not that of a component: " if isinstance(error, Unauthorized) else ""
    log.warning("cannot ask Astakos: %s%s", hint, error)
    return Refused(503, "Budgets cannot be checked now.", "unavailable", Retry_After="2")


def _no_room(refusal: QuotaLimit, *, writes: bool) -> Refused:
    resource, headers = str(refusal.resource), {}
    lower = " With a lower max_tokens, it takes less." if writes else ""
    # The service says it itself if it is soon; then the clock of this host does not matter.
    seconds = refusal.retry_after
    if seconds is None and refusal.resets is not None:
        seconds = (datetime.fromisoformat(refusal.resets) - datetime.now(UTC)).total_seconds()
    if seconds is not None:
        headers["Retry_After"] = str(max(1, math.ceil(seconds)))
    if "/per-" in resource:
        if (refusal.requested or 0) > (refusal.limit or 0) > 0:
            message = f"This request can take more than {resource} ever allows at once.{lower}"
            return Refused(429, message, "rate_limit_exceeded", X_Should_Retry="false")
        return Refused(429, f"You send more than {resource} allows.", "rate_limit_exceeded", **headers)
    whose_budget = f"{OWNERS.get(refusal.level or '', 'Your')} budget of {resource}"
    has_room = refusal.available is None or refusal.available > 0
    if refusal.limit == 0 and not (refusal.available and has_room):
        message = f"{whose_budget} is 0."
    else:
        until = f" It resets at {refusal.resets}." if refusal.resets else ""
        message = f"{whose_budget} has no room for what this request can take.{until}"
        if has_room:
            message += lower
    if refusal.project_state:
        whose = "parent of the project" if refusal.level == "parent" else "project"
        message = f"Nothing of {resource} can be used now: the {whose} is {refusal.project_state}."
    # OpenAI's clients do not repeat what must fail again.
    return Refused(429, message, "insufficient_quota", X_Should_Retry="false", **headers)
