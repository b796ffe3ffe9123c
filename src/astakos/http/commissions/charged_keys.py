"""The API key that an issue names, which is charged along with its user (`docs/keys.md`)."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from astakos.directory.api_keys import PREFIX
from astakos.http.commissions.requested_provisions import Requested
from astakos.http.faults import BadRequest, Forbidden
from astakos.projects.limits import project_holder, user_holder
from astakos.service.service import Service
from astakos.storage.tables.api_keys import Owned

Refused = BadRequest | Forbidden


class ChargedKeys(NamedTuple):
    """The keys that some issues name, as far as there are such keys.

    Attributes:
        found: The keys by prefix.
        now: The current time.
    """

    found: Mapping[str, Owned]
    now: int

    def refusal(self, prefix: str | None, requested: Requested) -> Refused | None:
        """Returns why an issue cannot charge a key; None if it can, or names none."""
        if prefix is None:
            return None
        if not PREFIX.fullmatch(prefix):
            return BadRequest("key must be the prefix of a key: what it begins with, such as astk_k3j9x2mq.")
        drawing = [key for key, _ in requested.provisions if key.source is not None]
        if not drawing:
            return BadRequest(
                "An issue that names a key must charge the user of the key; this one charges no user."
            )
        if len({key.holder for key in drawing}) > 1:
            return BadRequest("An issue that names a key can only charge one user, that of the key.")
        owned = self.found.get(prefix)
        if owned is None or user_holder(owned.user) != drawing[0].holder:
            return Forbidden(f"{drawing[0].holder} has no key {prefix}. It may have been revoked.")
        if owned.key.has_expired(self.now):
            return Forbidden(f"The key {prefix} has expired.")
        project = owned.key.project
        if project is not None and any(key.source != project_holder(project) for key in drawing):
            return Forbidden(f"The key {prefix} can only draw from {project_holder(project)}.")
        return None


NO_KEYS = ChargedKeys({}, 0)


async def charged_keys(service: Service, prefixes: Iterable[str | None]) -> ChargedKeys:
    """Returns the keys that some issues name. A revoked key may be accepted for up to one second."""
    named = {prefix for prefix in prefixes if prefix is not None}
    if not named:
        return NO_KEYS
    found: dict[str, Owned] = {}
    for prefix in named:
        owned = await service.key_of_prefix(prefix) if PREFIX.fullmatch(prefix) else None
        if owned is not None:
            found[prefix] = owned
    return ChargedKeys(found, service.now())
