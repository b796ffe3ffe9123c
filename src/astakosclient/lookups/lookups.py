"""Looks up user names and UUIDs with one token, with a cache and combined requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astakosclient.calls import account
from astakosclient.calls.call import text, texts
from astakosclient.errors import NoUserName, NoUUID
from astakosclient.lookups.coalescing import CoalescedLookups
from astakosclient.lookups.ttl_cache import AGE_SECONDS, SIZE, TtlCache

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astakosclient.calls.call import Call, Parts
    from astakosclient.core.synchronous import Synchronous


class Lookups:
    """Cached lookups of user names and UUIDs; created by ``client.lookups(…)``. Thread-safe.

    Unknown users are not cached: each lookup of one sends a request.
    """

    def __init__(
        self,
        client: Synchronous,
        token: str | None,
        *,
        as_service: bool,
        size: int = SIZE,
        age: float = AGE_SECONDS,
    ) -> None:
        """Creates an empty cache; for the arguments, see ``client.lookups``."""
        path = account.SERVICE_USER_CATALOGS if as_service else account.USER_CATALOGS

        def names(uuids: Iterable[str]) -> Call[dict[str, str]] | Parts[dict[str, str]]:
            return account.get_usernames(token, uuids, path)

        def uuids(names: Iterable[str]) -> Call[dict[str, str]] | Parts[dict[str, str]]:
            return account.get_uuids(token, names, path)

        self._names = CoalescedLookups(lambda wanted: client._run(names(wanted)), TtlCache(size, age))  # noqa: SLF001 - same package
        self._uuids = CoalescedLookups(lambda wanted: client._run(uuids(wanted)), TtlCache(size, age))  # noqa: SLF001

    def get_username(self, uuid: str) -> str:
        """Returns the user name for one UUID.

        Raises:
            NoUserName: no user has this UUID.
            BadValue: ``uuid`` is not a string.
            AstakosClientException: the call failed.
        """
        name = self._names.one(text("uuid", uuid))
        if name is None:
            raise NoUserName(uuid)
        return name

    def get_uuid(self, display_name: str) -> str:
        """Returns the UUID for one user name.

        Raises:
            NoUUID: no user has this name.
            BadValue: ``display_name`` is not a string.
            AstakosClientException: the call failed.
        """
        uuid = self._uuids.one(text("display_name", display_name))
        if uuid is None:
            raise NoUUID(display_name)
        return uuid

    def get_usernames(self, uuids: Iterable[str]) -> dict[str, str]:
        """Returns the user names for several UUIDs, as a dict by UUID. Omits unknown UUIDs.

        Raises:
            BadValue: ``uuids`` is not an iterable of strings.
            AstakosClientException: the call failed.
        """
        return self._names.several(texts("uuids", uuids))

    def get_uuids(self, display_names: Iterable[str]) -> dict[str, str]:
        """Returns the UUIDs for several user names, as a dict by name as given. Omits unknown names.

        Raises:
            BadValue: ``display_names`` is not an iterable of strings.
            AstakosClientException: the call failed.
        """
        return self._uuids.several(texts("display_names", display_names))

    def forget(self) -> None:
        """Clears the cache."""
        self._names.cache.clear()
        self._uuids.cache.clear()
