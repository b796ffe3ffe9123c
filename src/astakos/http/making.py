"""Calls that make something make it once for each `Idempotency-Key` (`docs/reference/safe-retries.md`).

once = once_of(service, request, user.uuid, body, SECRETS)
made = await carry_out(service, request, user, once.made_by(change))
return once.answer(201, made)

The key is remembered in the transaction that makes the thing, as a hash, together with the answer, but
without the secrets in it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from astakos.events.event import Actor
from astakos.http.faults import BadRequest, UnprocessableEntity
from astakos.http.idempotency_keys import ABOUT_KEYS, honored, key_parameter
from astakos.http.openapi.description import Reply
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import made_once
from astakos.storage.tables.made_once import Remembered

KEY = key_parameter("make nothing more, and return the same answer, without secrets")
VERSION: Final = b"\x01"
"""Prefix of the fingerprint of a request."""
DONE: Final = Reply(media_types=(), headers=ABOUT_KEYS)
"""An answer without a body."""


class Secrets(NamedTuple):
    """What of an answer is shown only once, and how to get another one instead, as a sentence."""

    names: Sequence[str] = ()
    instead: str = ""


NO_SECRETS: Final = Secrets()
Make = Callable[[Connection, Actor], Mapping[str, Any]]


class Made(NamedTuple):
    """What a call has made, and whether an earlier one with the same key made it."""

    document: Mapping[str, Any]
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class Once:
    """What one request makes, at most once if it has a key.

    Attributes:
        service: The service.
        key: Its key; None for none: it then makes something each time.
        name: What the key is remembered as.
        fingerprint: Tells the request from others with the same key.
        secrets: What is not remembered of the answer.
    """

    service: Service
    key: str | None
    name: str
    fingerprint: bytes
    secrets: Secrets

    async def earlier(self) -> Made | None:
        """Returns what an earlier request with the same key has made: to do no work in vain.

        Raises:
            UnprocessableEntity: The key was used for another request.
        """
        if self.key is None:
            return None
        found = await self.service.read(made_once.find, self.name)
        return None if found is None else self._again(found)

    def made_by(self, make: Make) -> Callable[[Connection, Actor], Made]:
        """Returns a change that makes something, unless an earlier request has; see `make`."""
        return lambda connection, actor: self.make(connection, lambda: make(connection, actor))

    def make(self, connection: Connection, make: Callable[[], Mapping[str, Any]]) -> Made:
        """Makes it in a transaction, or returns what an earlier request with the same key has made.

        Args:
            connection: The transaction.
            make: Makes it, and returns the document of the answer. Raises an exception if it makes nothing:
                the key can then be used again.

        Raises:
            UnprocessableEntity: The key was used for another request.
        """
        if self.key is None:
            return Made(make(), is_repeated=False)
        before = made_once.begin(connection, self.name, self.service.now(), self.fingerprint)
        if before is not None:
            return self._again(before)
        document = make()
        made_once.end(connection, self.name, self._told(document))
        return Made(document, is_repeated=False)

    def answer(self, status: int, made: Made) -> Answer:
        """Returns the answer whose body is what was made."""
        return Answer(status, to_json(made.document), headers=self.headers(made))

    def headers(self, made: Made) -> Mapping[str, str]:
        """Returns the headers that say that the key was honored."""
        return honored(self.key, is_repeated=made.is_repeated)

    def _told(self, document: Mapping[str, Any]) -> str:
        hidden = [name for name in self.secrets.names if document.get(name) is not None]
        told = {name: value for name, value in document.items() if name not in hidden}
        return to_json({"document": told, "hidden": hidden}).decode("ascii")

    def _again(self, found: Remembered) -> Made:
        if found.fingerprint != self.fingerprint:
            raise UnprocessableEntity(
                f"The Idempotency-Key {self.key!r} was used for another call, or with a different body. "
                "Use a new key."
            )
        remembered = json.loads(found.told)
        document, hidden = remembered["document"], remembered["hidden"]
        if hidden:
            document |= dict.fromkeys(hidden)
            document["message"] = (
                "An earlier request with the same Idempotency-Key was carried out, and this one was not. "
                f"Not shown again: {', '.join(hidden)}. {self.secrets.instead}"
            )
        return Made(document, is_repeated=True)


def once_of(
    service: Service, request: Request, caller: str, body: msgspec.Struct, secrets: Secrets = NO_SECRETS
) -> Once:
    """Returns what a request makes.

    Args:
        service: The service.
        request: The request, which may have a key.
        caller: The UUID of the user to whom the key belongs.
        body: The body. What is not sent is the same as its default.
        secrets: What of the answer is shown only once.

    Raises:
        BadRequest: The key is malformed, or the body nests deeper than can be encoded again.
    """
    key = KEY.of(request)
    if key is None:
        return Once(service, None, "", b"", secrets)
    asked = [request.method, request.route, request.parameter, _said(body)]
    try:
        fingerprint = VERSION + sha256(msgspec.json.encode(asked, order="sorted")).digest()
    except RecursionError as error:
        raise BadRequest("The body nests too deeply. Use fewer levels of lists and objects.") from error
    return Once(service, key, _name(caller, key), fingerprint, secrets)


def _said(body: msgspec.Struct) -> dict[str, Any]:
    """Returns what a body says besides the defaults: fields that are added later do not change it."""
    said = {}
    for field in msgspec.structs.fields(body):
        value = getattr(body, field.name)
        if value is not msgspec.UNSET and value != field.default:
            said[field.encode_name] = _said(value) if isinstance(value, msgspec.Struct) else value
    return said


def _name(caller: str, key: str) -> str:
    return sha256(f"call\n{caller}\n{key}".encode("utf-8", "surrogatepass")).hexdigest()


def replies(made: Any, made_before: Any = None) -> Sequence[Reply]:
    """Returns the answers of a call that makes something.

    Args:
        made: The type of the answer.
        made_before: The type of the answer without secrets; None if there are none.
    """
    return [Reply(kind, headers=ABOUT_KEYS) for kind in (made, made_before) if kind is not None]
