"""Builds the calls about API keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from astakosclient.calls import answers
from astakosclient.calls.call import JSON, MAKE_ONCE, Call, as_json, given, key_or_new, path_part, post, texts
from astakosclient.core.absence import ABSENT, Absent
from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astakosclient.answer_types import Key, KeyQuotas, NewKey

KEYS = "account/v1.0/keys"
WHOLE_KEY = re.compile(r"(astk_[a-z2-9]{8})_[0-9A-Za-z]*")

T = TypeVar("T")


def create_key(
    token: str | None,
    name: str,
    expires: str | None,
    services: Iterable[str] | None,
    calls: Iterable[str] | None,
    networks: Iterable[str] | None,
    project: str | None,
    limits: Mapping[str, int | None] | None,
    idempotency_key: str | None,
) -> Call[NewKey]:
    """Builds the call that makes a key."""
    document: dict[str, Any] = {"name": given("name", name), "expires": expires, "project": project}
    document |= _limits(services=services, calls=calls, networks=networks)
    if limits is not None:
        document["limits"] = _of_resources(limits)
    return _with_new_secret("create_key", KEYS, token, document, idempotency_key)


def get_keys(token: str | None) -> Call[list[Key]]:
    """Builds the call that lists the user's keys."""
    return Call(name="get_keys", path=KEYS, token=token, read=answers.sequence)


def get_key(token: str | None, prefix: str) -> Call[Key]:
    """Builds the call that returns a key."""
    return Call(name="get_key", path=_key(prefix), token=token, read=answers.mapping)


def change_key(
    token: str | None,
    prefix: str,
    name: str | Absent,
    expires: str | Absent | None,
    services: Iterable[str] | Absent | None,
    calls: Iterable[str] | Absent | None,
    networks: Iterable[str] | Absent | None,
    limits: Mapping[str, int | None] | Absent | None,
) -> Call[Key]:
    """Builds the call that changes a key."""
    document = _limits(services=services, calls=calls, networks=networks)
    if not isinstance(limits, Absent):
        document["limits"] = None if limits is None else _of_resources(limits)
    document |= {
        key: value for key, value in (("name", name), ("expires", expires)) if not isinstance(value, Absent)
    }
    return Call(
        name="change_key",
        method="PUT",
        path=_key(prefix),
        token=token,
        body=as_json(document),
        content_type=JSON,
        read=answers.mapping,
    )


def get_key_quotas(token: str | None, prefix: str) -> Call[KeyQuotas]:
    """Builds the call that returns what a key may use, and uses."""
    return Call(name="get_key_quotas", path=f"{_key(prefix)}/quotas", token=token, read=answers.mapping)


def rotate_key(
    token: str | None, prefix: str, overlap_seconds: int, idempotency_key: str | None
) -> Call[NewKey]:
    """Builds the call that gives a key a new secret."""
    document = {"rotate": {"overlap_seconds": overlap_seconds}}
    return _with_new_secret("rotate_key", f"{_key(prefix)}/action", token, document, idempotency_key)


def _with_new_secret(
    name: str, path: str, token: str | None, document: Mapping[str, Any], idempotency_key: str | None
) -> Call[NewKey]:
    return post(
        name,
        path,
        token,
        document,
        answers.with_secret("key"),
        repeatable=False,
        repeatable_with=MAKE_ONCE,
        idempotency_key=key_or_new(idempotency_key),
    )


def revoke_key(token: str | None, prefix: str) -> Call[None]:
    """Builds the call that revokes a key."""
    return Call(
        name="revoke_key",
        method="DELETE",
        path=_key(prefix),
        token=token,
        repeatable=False,
        read=answers.nothing,
    )


def _key(prefix: str) -> str:
    return f"{KEYS}/{path_part('prefix', prefix_of_key('prefix', prefix))}"


def prefix_of_key(name: str, prefix: T) -> T:
    """Returns the prefix of a key, which is no secret.

    Raises:
        BadValue: it is the whole key, which would go into logs.
    """
    if isinstance(prefix, str) and (whole := WHOLE_KEY.fullmatch(prefix)):
        raise BadValue(
            f"{name} must be the prefix of the key, {whole[1]}, not the key itself, which is secret"
        )
    return prefix


def _limits(**limits: Iterable[str] | Absent | None) -> dict[str, Any]:
    """Returns the limits that are given; None stands for no limit."""
    return {
        name: None if values is None else texts(name, values)
        for name, values in limits.items()
        if values is not ABSENT and not isinstance(values, Absent)
    }


def _of_resources(limits: Mapping[str, int | None]) -> Mapping[str, int | None]:
    """Returns limits by resource.

    Raises:
        BadValue: they are not a mapping.
    """
    if not isinstance(limits, Mapping):
        raise BadValue(f"limits must map resources to quantities, not be a {type(limits).__name__}")
    return limits
