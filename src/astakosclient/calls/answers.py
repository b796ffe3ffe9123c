"""Parses successful responses: each function converts a response to the result of a call."""

from __future__ import annotations

import codecs
import json
import math
from typing import TYPE_CHECKING, Any, NoReturn, cast

from astakosclient.calls import faults
from astakosclient.errors import InvalidResponse, NoUserName, NoUUID, SecretLost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astakosclient.answer_types import Granted, Provision
    from astakosclient.core.exchange import Answer


REPLAYED = "idempotency-replayed"
"""The header that says that an earlier request with the same idempotency key was carried out."""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


# JSON has no NaN and no Infinity: a limit of NaN would let everything pass that is compared with it. Python
# reads 1e400 as Infinity, too.
_decode = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite).decode


def nothing(answer: Answer) -> None:
    """Ignores the body, for calls that return None."""


def mapping(answer: Answer) -> Any:
    """Returns a JSON object. Does not check its contents, which `astakosclient.answer_types` describes.

    Raises:
        InvalidResponse: the response is not a JSON object.
    """
    document = _json(answer)
    if not isinstance(document, dict):
        raise _unusable(answer, "The response is not a JSON object")
    return document


def sequence(answer: Answer) -> Any:
    """Returns a JSON array. Does not check its contents, which `astakosclient.answer_types` describes.

    Raises:
        InvalidResponse: the response is not a JSON array.
    """
    document = _json(answer)
    if not isinstance(document, list):
        raise _unusable(answer, "The response is not a JSON array")
    return document


def with_secret(name: str) -> Callable[[Answer], Any]:
    """Returns a parser for a JSON object that shows a new secret, at a key.

    The parser raises `SecretLost` if an earlier answer has shown it, and `InvalidResponse`.
    """

    def read(answer: Answer) -> Any:
        document = mapping(answer)
        if answer.headers.get(REPLAYED) == "true" and document.get(name) is None:
            raise SecretLost(document)
        return document

    return read


def serial(answer: Answer) -> int:
    """Returns the serial of a new commission.

    Raises:
        InvalidResponse: the response has no integer ``serial``.
    """
    number = mapping(answer).get("serial")
    if type(number) is not int:
        raise _unusable(answer, "The response has no commission serial")
    return number


def granted_commission(answer: Answer) -> Granted:
    """Returns a new commission, with the granted quantities.

    Raises:
        InvalidResponse: the response has no integer ``serial``.
    """
    serial(answer)
    return cast("Granted", mapping(answer))


def granted(answer: Answer) -> list[Provision] | None:
    """Returns the granted quantities of a commission; None if the response has none.

    Raises:
        InvalidResponse: the response is not a JSON object.
    """
    found: list[Provision] | None = mapping(answer).get("granted")
    return found


def mapping_at(key: str) -> Callable[[Answer], dict[str, str]]:
    """Returns a parser for a JSON object nested under a key; the parser raises `InvalidResponse`."""

    def read(answer: Answer) -> dict[str, str]:
        inner = mapping(answer).get(key)
        if not isinstance(inner, dict):
            raise _unusable(answer, f"The response has no {key}")
        return inner

    return read


def user_name_of(uuid: str) -> Callable[[Answer], str]:
    """Returns a parser for the user name of a UUID; the parser raises `NoUserName` if it is missing."""

    def read(answer: Answer) -> str:
        names = mapping_at("uuid_catalog")(answer)
        if uuid not in names:
            raise NoUserName(uuid)
        return names[uuid]

    return read


def uuid_of(display_name: str) -> Callable[[Answer], str]:
    """Returns a parser for the UUID of a user name; the parser raises `NoUUID` if it is missing."""

    def read(answer: Answer) -> str:
        uuids = mapping_at("displayname_catalog")(answer)
        if display_name not in uuids:
            raise NoUUID(display_name)
        return uuids[display_name]

    return read


def uuids_of(display_names: Sequence[str]) -> Callable[[Answer], dict[str, str]]:
    """Returns a parser for the UUIDs of user names, by each spelling of a name as given.

    Servers ignore the case of names, and of several spellings of a name they answer only the last.
    """

    def read(answer: Answer) -> dict[str, str]:
        uuids = mapping_at("displayname_catalog")(answer)
        by_lowercase = {name.lower(): uuid for name, uuid in uuids.items()}
        others = (name for name in display_names if name not in uuids)
        return uuids | {name: by_lowercase[name.lower()] for name in others if name.lower() in by_lowercase}

    return read


def _json(answer: Answer) -> Any:
    if not answer.body:
        raise _unusable(answer, "The response is empty")
    try:
        return _decode(answer.body.removeprefix(codecs.BOM_UTF8).decode())
    except (ValueError, RecursionError):
        pass
    # Raised outside the handler: the decoding error, as __context__, would hold the response.
    raise _unusable(answer, "The response is not JSON")


def _unusable(answer: Answer, message: str) -> InvalidResponse:
    error = InvalidResponse(message, answer.text, response=answer.text)
    if "json" not in answer.headers.get("content-type", "json").lower():
        # For example, a page of a web site, or of a network that wants a login.
        error.said = faults.FOREIGN
    return error
