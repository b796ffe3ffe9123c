"""Names for UUIDs and back, remembered for a while, and asked for together.

Made by tools/generate_methods.py from lookups/lookups.py; change it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from astakosclient.calls import account
from astakosclient.calls.call import text
from astakosclient.errors import NoUserName, NoUUID
from astakosclient.lookups.async_coalescing import AsyncRounds
from astakosclient.lookups.ttl_cache import AGE_SECONDS, SIZE, Remembered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astakosclient.calls.call import Call, Parts
    from astakosclient.core.asynchronous import Asynchronous


class AsyncLookups:
    """Look-ups with one token; made by `lookups` of a client. Tasks may share it.

    Users that are not found are asked for again each time.
    """

    def __init__(
        self,
        client: Asynchronous,
        token: str | None,
        *,
        as_service: bool,
        size: int = SIZE,
        age: float = AGE_SECONDS,
    ) -> None:
        """Remember nothing yet; see `lookups` of a client."""
        path = account.SERVICE_USER_CATALOGS if as_service else account.USER_CATALOGS

        def names(uuids: Iterable[str]) -> Call[dict[str, str]] | Parts[dict[str, str]]:
            return account.get_usernames(token, list(uuids), path)

        def uuids(names: Iterable[str]) -> Call[dict[str, str]] | Parts[dict[str, str]]:
            return account.get_uuids(token, list(names), path)

        self._names = AsyncRounds(lambda wanted: client._run(names(wanted)), Remembered(size, age))  # noqa: SLF001 - of one package
        self._uuids = AsyncRounds(lambda wanted: client._run(uuids(wanted)), Remembered(size, age))  # noqa: SLF001

    async def get_username(self, uuid: str) -> str:
        """The user name of one user.

        Raises:
            NoUserName: there is no such user.
            BadValue: ``uuid`` is no string.
            AstakosClientException: the call failed.
        """
        name = await self._names.one(text("uuid", uuid))
        if name is None:
            raise NoUserName(uuid)
        return name

    async def get_uuid(self, display_name: str) -> str:
        """The UUID of one user.

        Raises:
            NoUUID: there is no such user.
            BadValue: ``display_name`` is no string.
            AstakosClientException: the call failed.
        """
        uuid = await self._uuids.one(text("display_name", display_name))
        if uuid is None:
            raise NoUUID(display_name)
        return uuid

    async def get_usernames(self, uuids: Iterable[str]) -> dict[str, str]:
        """The user names of several users, by UUID; unknown UUIDs are left out."""
        return await self._names.several(uuids)

    async def get_uuids(self, display_names: Iterable[str]) -> dict[str, str]:
        """The UUIDs of several users, by user name as given; unknown names are left out."""
        return await self._uuids.several(display_names)

    def forget(self) -> None:
        """Ask for everything again."""
        self._names.remembered.clear()
        self._uuids.remembered.clear()
