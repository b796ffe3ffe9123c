"""Reading answers that are a success: each function makes what a caller gets from the bytes that came."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from astakosclient.errors import InvalidResponse, NoUserName, NoUUID

if TYPE_CHECKING:
    from collections.abc import Callable

    from astakosclient.core.exchange import Answer


def nothing(answer: Answer) -> None:
    """For calls whose success is the whole answer, whatever the body."""


def mapping(answer: Answer) -> Any:
    """A JSON object; what is in it is described in `astakosclient.answer_types`, and not checked."""
    document = _json(answer)
    if not isinstance(document, dict):
        raise _unusable(answer, "The answer is not a JSON object")
    return document


def sequence(answer: Answer) -> Any:
    """A JSON array; as for `mapping`."""
    document = _json(answer)
    if not isinstance(document, list):
        raise _unusable(answer, "The answer is not a JSON array")
    return document


def serial(answer: Answer) -> int:
    """The serial of a commission."""
    number = mapping(answer).get("serial")
    if type(number) is not int:
        raise _unusable(answer, "The answer has no serial of the commission")
    return number


def mapping_at(key: str) -> Callable[[Answer], dict[str, str]]:
    """A JSON object under a key of the answer."""

    def read(answer: Answer) -> dict[str, str]:
        inner = mapping(answer).get(key)
        if not isinstance(inner, dict):
            raise _unusable(answer, f"The answer has no {key}")
        return inner

    return read


def user_name_of(uuid: str) -> Callable[[Answer], str]:
    """The one name that was asked for."""

    def read(answer: Answer) -> str:
        names = mapping_at("uuid_catalog")(answer)
        if uuid not in names:
            raise NoUserName(uuid)
        return names[uuid]

    return read


def uuid_of(display_name: str) -> Callable[[Answer], str]:
    """The one UUID that was asked for."""

    def read(answer: Answer) -> str:
        uuids = mapping_at("displayname_catalog")(answer)
        if display_name not in uuids:
            raise NoUUID(display_name)
        return uuids[display_name]

    return read


def _json(answer: Answer) -> Any:
    if not answer.body:
        raise _unusable(answer, "The answer is empty")
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise _unusable(answer, "The answer is not JSON") from None


def _unusable(answer: Answer, message: str) -> InvalidResponse:
    return InvalidResponse(message, answer.text, response=answer.text)
