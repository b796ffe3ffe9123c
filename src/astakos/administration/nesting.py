"""Moves projects within others, with what they use, within the transaction of a `Database.change`."""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from astakos.administration.reasons import require_reason
from astakos.directory.service_catalog import OWN_COMPONENT
from astakos.events.event import Actor
from astakos.ledger.batch import carry_out_within
from astakos.ledger.operations import Issue, Issued
from astakos.ledger.ports import Needs
from astakos.ledger.rules import Holding, Key, NoCapacity, NoHolding, Provision
from astakos.projects.limits import project_holder, uuid_of_project
from astakos.projects.nesting import HAS_ROOM, MOVE, NOTHING_PENDING, MoveFacts, moved
from astakos.projects.project import Project
from astakos.projects.transitions import Check, first_refusal
from astakos.storage.opening import joined_transaction
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, meters, nested_projects, projects, registry

NAME = "project moved"
"""The name of the commissions that move usage, which the history shows."""


class _Usage(NamedTuple):
    """What a project uses: the resource of which something is pending, and what is to be charged above."""

    pending: str | None
    provisions: dict[Key, int]


def move_project(
    connection: Connection,
    actor: Actor,
    key: str,
    parent: str | None,
    reason: str,
    now: int,
    *,
    force: bool = False,
) -> None:
    """Gives a project another parent, or none, and lets what it uses count there.

    Args:
        connection: the connection.
        actor: who does it.
        key: the uuid of the project, or its number in the database.
        parent: the uuid of the new parent; None for none.
        reason: why; "" if nothing was said.
        now: the current instant.
        force: whether the projects above may exceed their limits.

    Raises:
        ProjectRefusedError: see `MOVE`.
    """
    require_reason(reason)
    project = projects.find_by_uuid_or_number(connection, key)
    found = None if parent is None else projects.find(connection, parent)
    facts = facts_of_move(connection, actor, project, found, asks_for_parent=parent is not None)
    MOVE.require_allowed(facts)
    assert project is not None  # noqa: S101 - or it would have been refused
    place_project(connection, facts, now, force=force)
    events.record(connection, moved(actor, project, found.uuid if found else None, reason), now)


def facts_of_move(
    connection: Connection,
    actor: Actor,
    project: Project | None,
    parent: Project | None,
    *,
    asks_for_parent: bool,
) -> MoveFacts:
    """Returns what decides whether a project can be moved, without what is charged."""
    above = nested_projects.above(connection, parent.uuid) if parent else []
    levels = nested_projects.levels_of(connection, project.uuid) if project else 1
    return MoveFacts(actor, project, asks_for_parent, parent, above, levels)


def place_project(connection: Connection, facts: MoveFacts, now: int, *, force: bool) -> None:
    """Stores another parent of a project, and charges what moves with it.

    Args:
        connection: the connection.
        facts: the project and its parent, which can be moved as far as they tell.
        now: the current instant.
        force: whether the projects above may exceed their limits.

    Raises:
        ProjectRefusedError: something is pending on the project, or there is no room for what it uses.
    """
    project = facts.project
    assert project is not None  # noqa: S101 - only an existing project is placed
    usage = _usage(connection, project, facts.above, now)
    _require(NOTHING_PENDING, replace(facts, pending=usage.pending))
    nested_projects.set_parent(connection, project.uuid, facts.parent.uuid if facts.parent else None)
    _require(HAS_ROOM, replace(facts, no_room=_charge(connection, usage.provisions, now, force=force)))


def _require(check: Check[MoveFacts], facts: MoveFacts) -> None:
    refusal = first_refusal([check], facts)
    if refusal is not None:
        raise refusal


def _usage(connection: Connection, project: Project, above: Sequence[str], now: int) -> _Usage:
    """Returns what moving a project charges; locks its holdings, and those above it, at both places."""
    names = [resource.name for resource in registry.list_resources(connection)]
    bases = set(names) - meters.find_definitions(connection).keys()
    own = [Key(project_holder(project.uuid), None, name) for name in names if name in bases]
    new = [Key(project_holder(uuid), None, key.resource) for uuid in above for key in own]
    transaction = joined_transaction(connection)
    state = transaction.read(now, Needs(keys={*own, *new}))
    for key in own:
        if key in state.holdings and state.holdings[key].pending:
            return _Usage(key.resource, {})
    pending = nested_projects.pending_resource(connection, project.uuid, bases)
    if pending is not None:
        return _Usage(pending, {})

    @functools.cache
    def settled_below(holder: str) -> Counter[str]:
        uuid = uuid_of_project(holder)
        assert uuid is not None  # noqa: S101 - only projects are above others
        return nested_projects.settled_below(connection, uuid)

    def lacking(key: Key) -> int:
        (settled,) = transaction.settled([key]).values()
        return max(0, settled_below(key.holder)[key.resource] - settled)

    changes: dict[Key, int] = {}
    for key in own:
        if key in state.holdings and (used := state.holdings[key].usage_max):
            entered = [key._replace(holder=project_holder(uuid)) for uuid in above]
            levels = _Levels(state.holdings, lacking)
            levels.move(used, state.above.get(key, ()), entered)
            changes |= levels.changes
    return _Usage(None, changes)


class _Levels:
    """What moving a holding charges on those above it.

    As much as is settled directly below a holding is settled on it, or becomes so: a release that was charged
    to a parent alone would otherwise be taken from those that stay.

    Attributes:
        changes: what is charged.
    """

    def __init__(self, holdings: Mapping[Key, Holding], lacking: Callable[[Key], int]) -> None:
        """Sets the holdings, and what tells how much less is settled on one than directly below it."""
        self.changes: dict[Key, int] = {}
        self._holdings = holdings
        self._lacking = lacking

    def move(self, used: int, left: Sequence[Key], entered: Sequence[Key]) -> None:
        """Takes `used` from those above a holding to others, both the nearest first."""
        taken = self._climb(-used, [key for key in left if key not in entered])
        added = self._climb(used, [key for key in entered if key not in left])
        self._climb(taken + added, [key for key in entered if key in left])

    def _climb(self, change: int, levels: Iterable[Key]) -> int:
        """Carries a change of what is directly below up to the last level; returns how much changes there."""
        for key in levels:
            if not change:
                break
            if key in self._holdings:
                # What is released there and still pending cannot be taken away a second time.
                change = max(change + self._lacking(key), -self._holdings[key].usage_min)
            self.changes[key] = change
        return change


def _charge(connection: Connection, changes: dict[Key, int], now: int, *, force: bool) -> str | None:
    """Charges what moves; returns why there is no room for it, or None."""
    provisions = tuple(Provision(*item) for item in sorted(changes.items()) if item[1])
    if not provisions:
        return None
    issue = Issue(
        _component(connection, provisions[0]), provisions, NAME, force=force, auto_accept=True, is_exact=True
    )
    (outcome,) = carry_out_within(joined_transaction(connection), [issue], now, due=0).outcomes
    match outcome:
        case Issued():
            return None
        case NoCapacity(provision=provision, usage=usage, limit=limit):
            return (
                f"the project {_name(connection, provision)} has no room for {provision.quantity} of "
                f"{provision.key.resource}: {usage} of {limit} are in use; raise its limit, or force it"
            )
        case NoHolding(provision=provision):
            return f"the project {_name(connection, provision)} has no quota of {provision.key.resource}"
        case _:
            return "the usage of a project above would be larger than any holding can have"


def _name(connection: Connection, provision: Provision) -> str:
    uuid = uuid_of_project(provision.key.holder)
    project = None if uuid is None else projects.find(connection, uuid)
    return provision.key.holder if project is None else project.name


def _component(connection: Connection, provision: Provision) -> int:
    """Returns the id of this program's component, or before it is registered, of that of a resource."""
    own = registry.find_component(connection, OWN_COMPONENT)
    if own is not None:
        return own.id
    component = registry.component_of_resource(connection, provision.key.resource)
    assert component is not None  # noqa: S101 - usage of a resource implies the resource
    return component
