"""Runs an inquiry with a synchronous client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

    from astakosclient.middleware.verdicts import IdentityClient, Question

T = TypeVar("T")


def ask(client: IdentityClient, inquiry: Generator[Question, Any, T]) -> T:
    """Makes the calls of an inquiry about a token and returns its result.

    Raises:
        Exception: an exception of a call that the inquiry does not handle.
    """
    question = next(inquiry)
    try:
        while True:
            try:
                answer = getattr(client, question.call)(*question.arguments, **question.options)
            except Exception as error:  # noqa: BLE001 - the inquiry handles it or re-raises it
                question = inquiry.throw(error)
            else:
                question = inquiry.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
