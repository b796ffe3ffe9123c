"""Making the calls of an inquiry with a client that waits for its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

    from astakosclient.middleware.verdicts import IdentityClient, Question

T = TypeVar("T")


def ask(client: IdentityClient, inquiry: Generator[Question, Any, T], token: str) -> T:
    """What an inquiry finds out about a token; it raises what the inquiry does not judge itself."""
    question = next(inquiry)
    try:
        while True:
            try:
                answer = getattr(client, question.call)(token)
            except Exception as error:  # noqa: BLE001 - the inquiry judges it, and raises what is not its own
                question = inquiry.throw(error)
            else:
                question = inquiry.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
