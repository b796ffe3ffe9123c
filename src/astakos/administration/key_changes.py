"""Makes, changes, rotates and revokes API keys; each is part of one transaction."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from astakos.administration.journal import Journal
from astakos.administration.key_quotas import LimitRefusedError, Limits, set_limits, told_limits
from astakos.administration.reasons import require_reason
from astakos.administration.state_document import StateError
from astakos.clock import DAY, MICROSECONDS
from astakos.directory.api_keys import ApiKey, new_key, new_prefix, unknown_call
from astakos.directory.entities import User
from astakos.directory.network_addresses import Networks
from astakos.directory.tokens import token_hash
from astakos.events.event import Actor, Event
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys, change_counts, events, key_holdings, projects, registry, settings
from astakos.storage.tables.api_keys import Owned, Secret
from astakos.storage.texts import is_storable

MOST_KEYS = 50
"""How many valid keys a user can have, unless the setting `most_keys` says otherwise."""
LONGEST_NAME = 100
MOST_NAMED = 32
"""How many services, calls or networks a key can name."""
USUAL_OVERLAP = DAY
LONGEST_OVERLAP = 30 * DAY
EXPIRED_KEPT = 30 * DAY
"""How long expired keys are still listed."""


class KeyRefusedError(StateError):
    """What is asked for a key cannot be; the message says what would be right."""


class NoSuchKeyError(KeyRefusedError):
    """The user has no such key."""

    def __init__(self) -> None:
        """Sets the message."""
        super().__init__("there is no such key")


class KeyConflictError(KeyRefusedError):
    """The key cannot be made or changed now."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a key shall be: see `ApiKey`. None stands for no limit, and for no end.

    `limits` are those of resources that shall change; all others stay.
    """

    name: str
    expires: int | None = None
    services: Sequence[str] | None = None
    calls: Sequence[str] | None = None
    networks: Sequence[str] | None = None
    project: str | None = None
    limits: Limits = field(default_factory=dict)


class MadeKey(NamedTuple):
    """A key, with the text that cannot be shown again, and its limits of resources."""

    key: ApiKey
    text: str
    limits: Limits


class ChangedKey(NamedTuple):
    """A key, with its limits of resources."""

    key: ApiKey
    limits: Limits


def make_key(connection: Connection, actor: Actor, user: User, wanted: Wanted, now: int) -> MadeKey:
    """Makes a key of a user. If it names services but no calls, it can make no calls of this API.

    Raises:
        KeyRefusedError: it cannot be made.
        TooManyKeysError: the actor has made as many within a day as are allowed.
    """
    calls = () if wanted.calls is None and wanted.services is not None else wanted.calls
    key = ApiKey(
        id=0,
        prefix=_free_prefix(connection),
        name=wanted.name,
        project=wanted.project,
        services=_ordered(wanted.services),
        calls=_ordered(calls),
        networks=_ordered(wanted.networks),
        created=now,
        expires=wanted.expires,
        creator=actor.user,
    )
    _require_right(connection, key, now)
    if key.project is not None and key.project not in projects.active_projects_of(connection, user.id):
        raise KeyRefusedError("project must be the UUID of a project that the user can draw from now")
    if not user.is_active:
        raise KeyConflictError("the user is not active; accept or activate them first")
    most = settings.find(connection, settings.MOST_KEYS, MOST_KEYS)
    if api_keys.count_valid(connection, user.id, now) >= most:
        raise KeyConflictError(f"the user has {most} keys, and cannot have more; revoke one first")
    change_counts.require_key_allowed(connection, actor, most, now)
    api_keys.make_room(connection, user.id, now)
    text = new_key(key.prefix, os.urandom)
    identifier = api_keys.add(connection, user.id, key)
    api_keys.add_secret(connection, identifier, Secret(token_hash(text), now, None))
    limits = _set_limits(connection, user.uuid, key, wanted.limits)
    after = {"key": key.prefix, **facts_of_key(key, limits)}
    events.record(connection, Event("key.created", actor, key.project, user.uuid, after=after), now)
    return MadeKey(replace(key, id=identifier), text, limits)


def change_key(connection: Connection, actor: Actor, owned: Owned, wanted: Wanted, now: int) -> ChangedKey:
    """Changes everything that a key is limited to, except its project.

    Raises:
        KeyRefusedError: it cannot be changed like that.
    """
    known = owned.key
    changed = replace(
        known,
        name=wanted.name,
        expires=wanted.expires,
        services=_ordered(wanted.services),
        calls=_ordered(wanted.calls),
        networks=_ordered(wanted.networks),
    )
    _require_valid(known, now)
    _require_right(connection, changed, now, known)
    api_keys.change(connection, changed)
    limits_before = key_holdings.limits_of(connection, owned.user, known.prefix)
    limits = _set_limits(connection, owned.user, known, wanted.limits)
    with Journal(connection, actor, now) as journal:
        before, after = facts_of_key(known, limits_before), facts_of_key(changed, limits)
        journal.compare("key", before, after, name=known.prefix, project=known.project, subject=owned.user)
    return ChangedKey(changed, limits)


def rotate_key(
    connection: Connection, actor: Actor, owned: Owned, now: int, overlap: int = USUAL_OVERLAP
) -> MadeKey:
    """Gives a key a new secret. The present one is valid for the overlap, in microseconds, and then ends.

    Raises:
        KeyRefusedError: the key has expired, or the overlap is too long.
    """
    if not 0 <= overlap <= LONGEST_OVERLAP:
        days = LONGEST_OVERLAP // DAY
        raise KeyRefusedError(f"the overlap must be from 0 seconds to {days} days")
    _require_valid(owned.key, now)
    text = new_key(owned.key.prefix, os.urandom)
    api_keys.rotate(connection, owned.key.id, token_hash(text), now, now + overlap)
    after = {"key": owned.key.prefix, "overlap_seconds": overlap // MICROSECONDS}
    events.record(connection, Event("key.rotated", actor, owned.key.project, owned.user, after=after), now)
    return MadeKey(owned.key, text, key_holdings.limits_of(connection, owned.user, owned.key.prefix))


def revoke_key(connection: Connection, actor: Actor, owned: Owned, now: int, reason: str = "") -> None:
    """Deletes a key: it is valid no longer.

    Raises:
        KeyRefusedError: the audit log cannot hold the reason.
    """
    try:
        require_reason(reason)
    except ProjectRefusedError as refusal:
        raise KeyRefusedError(str(refusal)) from refusal
    limits = key_holdings.limits_of(connection, owned.user, owned.key.prefix)
    before = {"key": owned.key.prefix, **facts_of_key(owned.key, limits)}
    api_keys.delete(connection, owned.key.id)
    revoked = Event("key.revoked", actor, owned.key.project, owned.user, reason, before=before)
    events.record(connection, revoked, now)


def find_key(connection: Connection, prefix: str | None, user: User | None = None) -> Owned:
    """Finds a key by its prefix; with a user, only among theirs.

    Raises:
        NoSuchKeyError: there is none.
    """
    owned = None if prefix is None else api_keys.find(connection, prefix)
    if owned is None or (user is not None and owned.user != user.uuid):
        raise NoSuchKeyError
    return owned


def facts_of_key(key: ApiKey, limits: Limits) -> dict[str, Any]:
    """Returns what the audit log tells of a key with these limits of resources."""
    return {
        "name": key.name,
        "project": key.project,
        "services": _listed(key.services),
        "calls": _listed(key.calls),
        "networks": _listed(key.networks),
        "expires": key.expires,
        "limits": told_limits(limits),
    }


def require_limits(
    services: Iterable[str] | None, calls: Iterable[str] | None, networks: Iterable[str] | None
) -> None:
    """Checks the form of what a key is limited to.

    Raises:
        KeyRefusedError: something cannot be right.
    """
    for name, values in (("services", services), ("calls", calls), ("networks", networks)):
        given = list(values or ())
        if len(given) > MOST_NAMED:
            raise KeyRefusedError(f"{name} must name at most {MOST_NAMED}")
        if values is not None and not given and name != "calls":
            raise KeyRefusedError(f"{name} must name at least one, or be null for no limit")
    refusal = unknown_call(calls or ())
    if refusal is not None:
        raise KeyRefusedError(f"calls: {refusal}")
    try:
        Networks(networks or ())
    except ValueError as error:
        raise KeyRefusedError(f"networks: {error}") from error


def _require_right(connection: Connection, key: ApiKey, now: int, known: ApiKey | None = None) -> None:
    if not key.name.strip() or len(key.name) > LONGEST_NAME or not key.name.isprintable():
        raise KeyRefusedError(f"name must have 1 to {LONGEST_NAME} printable characters")
    if not is_storable(key.name):
        raise KeyRefusedError("name must not contain unpaired surrogates")
    if key.expires is not None and key.expires <= now and (known is None or known.expires != key.expires):
        raise KeyRefusedError("expires must be in the future")
    require_limits(key.services, key.calls, key.networks)
    present = {service.name for service in registry.list_services(connection)}
    kept = set() if known is None else set(known.services or ())
    for service in key.services or ():
        if service not in present | kept:
            raise KeyRefusedError(f"there is no service {service!r}")


def _set_limits(connection: Connection, user: str, key: ApiKey, limits: Limits) -> Limits:
    try:
        return set_limits(connection, user, key.prefix, limits)
    except LimitRefusedError as refusal:
        raise KeyRefusedError(str(refusal)) from refusal


def _require_valid(key: ApiKey, now: int) -> None:
    if key.has_expired(now):
        raise KeyConflictError("the key has expired; make another one")


def _free_prefix(connection: Connection) -> str:
    while True:
        prefix = new_prefix(os.urandom)
        # The holdings of a key that is gone stay, for the history.
        if api_keys.find(connection, prefix) is None and not key_holdings.exist(connection, prefix):
            return prefix


def _ordered(values: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(dict.fromkeys(values))


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)
