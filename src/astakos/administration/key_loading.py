"""Loads entries of `keys` of a state document."""

from astakos.administration.document_places import Place
from astakos.administration.document_values import instant_at, optional_instant_at, secret_at, text_at
from astakos.administration.journal import Journal
from astakos.administration.key_changes import KeyRefusedError, facts_of_key, require_limits
from astakos.administration.key_quotas import LimitRefusedError, set_limits
from astakos.administration.state_document import KeyEntry
from astakos.directory.api_keys import PREFIX, ApiKey
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys, key_holdings, users
from astakos.storage.tables.api_keys import Secret


def load_key(connection: Connection, entry: KeyEntry, place: Place, now: int, journal: Journal) -> None:
    """Creates a key, or changes it to match its entry. Its last use stays as it is known."""
    user = users.find_by_uuid(connection, entry.user)
    if user is None:
        raise (place / "user").error(f"there is no user {entry.user!r}")
    if not PREFIX.fullmatch(entry.prefix):
        raise (place / "prefix").error("it must be what keys begin with, such as astk_k3j9x2mq")
    text_at(entry.name, place / "name")
    try:
        require_limits(entry.services, entry.calls, entry.networks)
    except KeyRefusedError as refusal:
        raise place.error(str(refusal)) from refusal
    owned = api_keys.find(connection, entry.prefix)
    known = None if owned is None else owned.key
    if owned is not None and owned.user != entry.user:
        raise (place / "prefix").error("there is a key of another user with this prefix")
    calls = [] if entry.calls is None and entry.services is not None else entry.calls
    created = optional_instant_at(entry.created, place / "created")
    if created is None:
        created = now if known is None else known.created
    key = ApiKey(
        id=0 if known is None else known.id,
        prefix=entry.prefix,
        name=entry.name,
        project=entry.project,
        services=None if entry.services is None else tuple(entry.services),
        calls=None if calls is None else tuple(calls),
        networks=None if entry.networks is None else tuple(entry.networks),
        created=created,
        expires=optional_instant_at(entry.expires, place / "expires"),
        creator=entry.creator,
    )
    secrets = _secrets(connection, entry, place)
    # A user who is not active has no keys, as they have no tokens.
    if not user.is_active:
        return
    if known is None:
        identifier = api_keys.add(connection, user.id, key)
    else:
        identifier = known.id
        api_keys.change(connection, key)
    limits_before = key_holdings.limits_of(connection, entry.user, key.prefix)
    # All limits are those of the entry; what else is counted stays so.
    wanted = {**dict.fromkeys(limits_before), **entry.limits}
    try:
        limits = set_limits(connection, entry.user, key.prefix, wanted)
    except LimitRefusedError as refusal:
        raise place.error(str(refusal)) from refusal
    before = None if known is None else facts_of_key(known, limits_before)
    after = facts_of_key(key, limits)
    journal.compare("key", before, after, name=key.prefix, project=key.project, subject=entry.user)
    if secrets and secrets != api_keys.list_secrets(connection, identifier):
        api_keys.replace_secrets(connection, identifier, secrets)
        if known is not None:
            journal.note("key.rotated", project=key.project, subject=entry.user, after={"key": key.prefix})


def _secrets(connection: Connection, entry: KeyEntry, place: Place) -> list[Secret]:
    found: list[Secret] = []
    for position, secret in enumerate(entry.secrets):
        here = place / f"secrets[{position}]"
        hashed = secret_at(None, secret.hash, here / "hash") or b""
        if hashed in {one.secret_hash for one in found}:
            raise (here / "hash").error("the key has this secret twice")
        owner = api_keys.find_prefix_of_secret(connection, hashed)
        if owner not in (None, entry.prefix):
            raise (here / "hash").error(f"the key {owner} already has this secret")
        created = instant_at(secret.created, here / "created")
        found.append(Secret(hashed, created, optional_instant_at(secret.expires, here / "expires")))
    return sorted(found, key=lambda one: (-one.created, one.secret_hash))
