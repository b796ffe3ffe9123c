"""Builds the calls about API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient.calls import answers
from astakosclient.calls.call import JSON, Call, as_json, given, path_part, post, texts
from astakosclient.core.absence import ABSENT, Absent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astakosclient.answer_types import Key, NewKey

KEYS = "account/v1.0/keys"


def create_key(
    token: str | None,
    name: str,
    expires: str | None,
    services: Iterable[str] | None,
    calls: Iterable[str] | None,
    networks: Iterable[str] | None,
    project: str | None,
) -> Call[NewKey]:
    """Builds the call that makes a key."""
    document: dict[str, Any] = {"name": given("name", name), "expires": expires, "project": project}
    document |= _limits(services=services, calls=calls, networks=networks)
    return post("create_key", KEYS, token, document, answers.mapping, repeatable=False)


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
) -> Call[Key]:
    """Builds the call that changes a key."""
    document = _limits(services=services, calls=calls, networks=networks)
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


def rotate_key(token: str | None, prefix: str, overlap_seconds: int) -> Call[NewKey]:
    """Builds the call that gives a key a new secret."""
    document = {"rotate": {"overlap_seconds": overlap_seconds}}
    return post("rotate_key", f"{_key(prefix)}/action", token, document, answers.mapping, repeatable=False)


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
    return f"{KEYS}/{path_part('prefix', prefix)}"


def _limits(**limits: Iterable[str] | Absent | None) -> dict[str, Any]:
    """Returns the limits that are given; None stands for no limit."""
    return {
        name: None if values is None else texts(name, values)
        for name, values in limits.items()
        if values is not ABSENT and not isinstance(values, Absent)
    }
