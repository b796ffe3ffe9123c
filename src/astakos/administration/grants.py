"""Makes and revokes grants, within the transaction of a `Database.change` (`ledger/grants.py`).

A grant for a member of a project lifts the member's limits only, and one for a project those of the project.
In a user's own project both levels have the user's limits, so a grant for the user is made at both.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from astakos.administration.journal import Journal
from astakos.administration.state_document import StateError
from astakos.administration.unknown_resources import no_such_resource
from astakos.clock import to_iso
from astakos.ledger.grants import (
    NEVER,
    USUAL_PRIORITY,
    base_of_grant,
    grant_resource,
)
from astakos.ledger.meter_definitions import SEPARATOR, Kind, MeterDefinition, base_of
from astakos.ledger.rules import UNLIMITED, Holding, Key
from astakos.projects.limits import project_holder, user_holder, uuid_of_user
from astakos.storage.protocol import Connection
from astakos.storage.tables import grants, registry
from astakos.storage.tables.grants import State, StoredGrant
from astakos.storage.tables.holdings import Row, find
from astakos.storage.tables.meters import find_definitions

MOST_OPEN = 1000
"""How many grants a holding can have that can be drawn on now or later."""
LONGEST_NOTE = 1000


class GrantPlace(NamedTuple):
    """Who has a grant, where, and of what.

    Attributes:
        user: the uuid of the user; None if a project has it as a whole.
        project: the uuid of the project; None for a user in their own.
        resource: the resource.
    """

    user: str | None
    project: str | None
    resource: str

    def bases(self) -> list[Key]:
        """Returns the holdings that it belongs to, one for each level."""
        if self.user is None:
            return [Key(project_holder(str(self.project)), None, self.resource)]
        source = project_holder(self.project or self.user)
        member = Key(user_holder(self.user), source, self.resource)
        return [member] if self.project else [member, Key(source, None, self.resource)]


class Terms(NamedTuple):
    """What a grant gives; see `StoredGrant`."""

    amount: int
    starts: int
    expires: int = NEVER
    priority: int = USUAL_PRIORITY
    lifts: tuple[str, ...] | None = None
    note: str = ""


def place_of(key: Key) -> GrantPlace:
    """Returns who has a grant, by its holding; for one at both levels, the user's."""
    resource = base_of_grant(key.resource) or key.resource
    user = uuid_of_user(key.holder)
    if user is None:
        return GrantPlace(None, key.holder.removeprefix(project_holder("")), resource)
    project = str(key.source).removeprefix(project_holder(""))
    return GrantPlace(user, None if project == user else project, resource)


def add_grant(
    connection: Connection,
    journal: Journal,
    place: GrantPlace,
    terms: Terms,
    now: int,
    number: int | None = None,
) -> int:
    """Makes a grant; returns its number, which is new unless given.

    Raises:
        StateError: there is no such holding or meter, or the terms make no sense; the message says why.
    """
    terms = terms._replace(lifts=lifted(connection, place.resource, terms.lifts))
    _check(terms)
    bases = [_base(connection, place, key, now) for key in place.bases()]
    number = grants.next_number(connection) if number is None else number
    for base in bases:
        key = base.key._replace(resource=grant_resource(place.resource, number))
        grants.add(
            connection,
            base,
            StoredGrant(
                number,
                key,
                Holding(terms.amount),
                terms.priority,
                terms.starts,
                terms.expires,
                terms.lifts,
                terms.note,
                State.OPEN,
            ),
        )
    facts = {"grant": number, "resource": place.resource, **facts_of(terms)}
    journal.note("grant.created", project=place.project, subject=place.user, after=facts)
    return number


def revoke_grant(connection: Connection, journal: Journal, number: int, *, reason: str = "") -> StoredGrant:
    """Lets nothing more be drawn from a grant; what is drawn stays so. Returns the grant as it was.

    Raises:
        StateError: there is no such grant, or it is revoked already.
    """
    found = grants.find(connection, number)
    if not found:
        raise StateError(f"there is no grant {number}")
    grant = found[0]
    if grant.state is State.REVOKED:
        raise StateError(f"grant {number} is revoked already")
    grants.revoke(connection, number)
    place = place_of(grant.key)
    facts = {"grant": number, "left": grant.left}
    journal.note("grant.revoked", project=place.project, subject=place.user, reason=reason, before=facts)
    return grant


def facts_of(terms: Terms) -> dict[str, Any]:
    """Returns what the audit log and documents tell of the terms of a grant."""
    return {
        "amount": terms.amount,
        "priority": terms.priority,
        "starts": to_iso(terms.starts),
        "expires": None if terms.expires == NEVER else to_iso(terms.expires),
        "lifts": None if terms.lifts is None else list(terms.lifts),
        "note": terms.note,
    }


def _check(terms: Terms) -> None:
    if terms.amount == UNLIMITED:
        raise StateError(f"a grant cannot be unlimited; its amount must be from 1 to {UNLIMITED - 1}")
    if not 0 < terms.amount < UNLIMITED:
        raise StateError(f"the amount of a grant must be from 1 to {UNLIMITED - 1}")
    if terms.expires <= terms.starts:
        raise StateError("a grant must expire after it starts")
    if len(terms.note) > LONGEST_NOTE:
        raise StateError(f"a note must not be longer than {LONGEST_NOTE} characters")


def lifted(connection: Connection, base: str, named: Sequence[str] | None) -> tuple[str, ...] | None:
    """Returns the meters that a grant lifts; they can be named without their base, as `month`.

    Raises:
        StateError: the resource has no such meter, or none that a grant lifts if it names none.
    """
    definitions = find_definitions(connection)
    kinds = {name: each.kind for name, each in definitions.items() if base_of(name) == base}
    if not kinds:
        raise StateError(_without_meters(connection, base, definitions))
    if named is None:
        if all(kind is Kind.RATE for kind in kinds.values()):
            raise StateError(
                f"{base} has no limit for a period, only rates; name what the grant lifts: {_listed(kinds)}"
            )
        return None
    full = [name if name in kinds else base + SEPARATOR + name for name in named]
    for name, given in zip(full, named, strict=True):
        if name not in kinds:
            raise StateError(f"{base} has no meter {given!r}; it has {_listed(kinds)}")
    if not full:
        raise StateError(f"a grant must lift something; {base} has {_listed(kinds)}")
    return tuple(sorted(set(full)))


def _without_meters(connection: Connection, name: str, definitions: Mapping[str, MeterDefinition]) -> str:
    """Returns why there is nothing that a grant of this could lift."""
    if name in definitions:
        counted = base_of(name)
        return f"{name} is a meter itself; name the resource {counted}, and lift this meter: --lifts {name}"
    if name not in registry.scales(connection):
        return no_such_resource(connection, name)
    return (
        f"{name!r} has no meter, so there is nothing that a grant could lift; "
        f"`astakos resource set {name} --meter month=1000` defines one"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _base(connection: Connection, place: GrantPlace, key: Key, now: int) -> Row:
    row = find(connection, key)
    if row is None:
        owner = f"project {place.project}" if place.user is None else f"user {place.user}"
        where = f" in project {place.project}" if place.user and place.project else ""
        raise StateError(f"{owner} has no quota of {place.resource}{where}")
    if grants.count_open(connection, row.id, now) >= MOST_OPEN:
        raise StateError(f"{key.holder} has {MOST_OPEN} grants of {place.resource} already; revoke some")
    return row
