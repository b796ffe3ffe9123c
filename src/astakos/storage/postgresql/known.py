"""What an engine on PostgreSQL caches from batch to batch.

Several engines can share a database, so figures are not cached. The keys of holdings never change; pending
commissions and meters can, so each batch compares their stored form or version.
"""

from collections.abc import Collection, Iterable, Mapping

from astakos import clock
from astakos.ledger.alerts import AlertIdentity
from astakos.ledger.counts import MOST_LEVELS, NOTHING_ABOVE, Above, with_counted
from astakos.ledger.grants import base_of_grant
from astakos.ledger.key_levels import prefix_of_holder
from astakos.ledger.meters import NO_METERS, TIME_TO_LIVE
from astakos.ledger.rules import Key
from astakos.storage.pending_cache import PendingCache
from astakos.storage.postgresql.pipeline import Result
from astakos.storage.tables.holdings import read_source, stored_source
from astakos.storage.tables.meters import meters_of, read_told
from astakos.storage.texts import is_storable

MOST_KNOWN = 100_000
"""How many holdings are cached: about 30 MiB."""


MetersVersion = tuple[bytes, bytes]
"""What tells whether the known meters are still right: a number, and their time to live in seconds."""


class Known:
    """The cache.

    Attributes:
        identifiers: the ids of holdings.
        keys: the same the other way round.
        project_levels: the id of the project's holding that a member's holding draws from, by its id.
        alone: members' holdings without such a holding; there may be one by now.
        parents: the id of the holding above a project's, by its id, as they were last read.
        pending: pending commissions.
        told: alerts that are stored.
        meters: the meters of all resources.
        meters_version: their version.
        server: what tells the server that all this was read from; empty if only the connection tells.
    """

    def __init__(self) -> None:
        """Starts empty."""
        self.identifiers: dict[Key, int] = {}
        self.keys: dict[int, Key] = {}
        self.project_levels: dict[int, int] = {}
        self.alone: set[Key] = set()
        self.parents: dict[int, int] = {}
        self.pending = PendingCache()
        self.told = set[AlertIdentity]()
        self.meters = NO_METERS
        self.meters_version: MetersVersion = (b"", b"")
        self.server = b""

    def to_find(self, keys: Iterable[Key]) -> list[Key]:
        """Returns those holdings whose ids, or whose projects' ids, are not known but may exist."""
        identifiers, alone = self.identifiers, self.alone
        unknown = [key for key in keys if key not in identifiers and _can_exist(key)]
        return unknown + [key for key in keys if key in alone] if alone else unknown

    def knows_any(self, keys: Iterable[Key]) -> bool:
        """Whether the id of any of these holdings is known."""
        return any(key in self.identifiers for key in keys)

    def to_lock(self, keys: Iterable[Key]) -> set[int]:
        """Returns the ids of holdings, as far as they are known, and of those of their projects."""
        found = map(self.identifiers.get, keys)
        identifiers = {identifier for identifier in found if identifier is not None}
        levels = map(self.project_levels.get, identifiers)
        return identifiers.union([level for level in levels if level is not None])

    def forget_if_too_much(self) -> None:
        """Clears each part of the cache that has grown too large."""
        if len(self.keys) > MOST_KNOWN:
            self.identifiers.clear()
            self.keys.clear()
            self.project_levels.clear()
            self.alone.clear()
            self.parents.clear()
        if self.pending.is_too_large():
            self.pending.clear()
        if len(self.told) > MOST_KNOWN:
            self.told.clear()

    def learn_parents(self, holdings: Iterable[int], parents: Mapping[int, int]) -> None:
        """Replaces what is above some holdings; those that have nothing above them are not in `parents`."""
        for identifier in holdings:
            self.parents.pop(identifier, None)
        self.parents.update(parents)

    def above(self, keys: Iterable[Key]) -> Above:
        """Returns the holdings above others, as far as they are known."""
        if not self.parents:
            return NOTHING_ABOVE
        found: dict[Key, tuple[Key, ...]] = {}
        for key in keys:
            chain: list[Key] = []
            parent = self.parents.get(self.identifiers.get(key, 0))
            # What is only a guess could go round in a circle.
            while parent in self.keys and len(chain) < MOST_LEVELS:
                chain.append(self.keys[parent])
                parent = self.parents.get(parent)
            if chain:
                found[key] = tuple(chain)
        return found

    def with_counted(self, keys: Collection[Key]) -> Collection[Key]:
        """Returns holdings, and those that are known on which provisions on them count."""
        above = self.above(keys)
        return with_counted(keys, self.meters, above) if above or self.meters else keys

    def learn_meters(self, version: MetersVersion, defined: Result) -> None:
        """Replaces the meters with those of a newer version, each given as in `LIST_METERS`."""
        told = [read_told(name.decode(), *figures) for name, *figures in defined.rows()]
        _, seconds = version
        self.meters = meters_of(told, int(seconds) * clock.MICROSECONDS if seconds else TIME_TO_LIVE)
        self.meters_version = version

    def learn(self, holdings: Iterable[tuple[bytes, ...]]) -> None:
        """Adds holdings, each given as id, holder, source, resource, and the id of its project's, if any."""
        for identifier, holder, source, resource, project_level in holdings:
            key = Key(holder.decode(), read_source(source.decode()), resource.decode())
            self.add(int(identifier), key)
            if project_level:
                self.project_levels[int(identifier)] = int(project_level)
                self.add(int(project_level), Key(source.decode(), None, key.resource))
                self.alone.discard(key)
            elif key.source is not None and not _stands_alone(key):
                self.alone.add(key)

    def add(self, identifier: int, key: Key) -> None:
        """Adds a holding."""
        self.identifiers[key] = identifier
        self.keys[identifier] = key


def stored(key: Key) -> tuple[str, str, str]:
    """Returns the stored form of a key."""
    return key.holder, stored_source(key.source), key.resource


def are_of_api_keys(keys: Iterable[Key]) -> bool:
    """Whether all these holdings are those of API keys, which exist for resources with limits only."""
    return all(prefix_of_holder(key.holder) is not None for key in keys)


def _stands_alone(key: Key) -> bool:
    """Whether there is never a holding of a project from which one with a source draws."""
    return base_of_grant(key.resource) is not None or prefix_of_holder(key.holder) is not None


def _can_exist(key: Key) -> bool:
    # A source of "" would be read as null.
    return key.source != "" and all(map(is_storable, stored(key)))
