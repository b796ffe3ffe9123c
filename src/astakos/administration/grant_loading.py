"""Loads an entry of `grants` of a state document. Grants do not change; they can only be revoked."""

from astakos.administration.document_places import Place
from astakos.administration.document_values import instant_at, limit_at, optional_instant_at
from astakos.administration.grants import (
    GrantPlace,
    Terms,
    add_grant,
    facts_of,
    lifted,
    place_of,
    revoke_grant,
)
from astakos.administration.journal import Journal
from astakos.administration.state_document import GrantEntry, StateError
from astakos.ledger.grants import NEVER
from astakos.storage.protocol import Connection
from astakos.storage.tables import grants
from astakos.storage.tables.grants import State, StoredGrant


def load_grant(connection: Connection, journal: Journal, entry: GrantEntry, place: Place, now: int) -> None:
    """Makes a grant as its entry says, or checks that it is so already; revokes it if the entry does."""
    if (entry.user or entry.project) is None:
        raise (place / "user").error("a grant is of a user, or of a project")
    terms = Terms(
        limit_at(entry.amount, place / "amount"),
        instant_at(entry.starts, place / "starts"),
        NEVER if entry.expires is None else optional_instant_at(entry.expires, place / "expires") or NEVER,
        entry.priority,
        None if entry.lifts is None else tuple(entry.lifts),
        entry.note,
    )
    where = GrantPlace(entry.user, None if entry.project == entry.user else entry.project, entry.resource)
    known = grants.find(connection, entry.number)
    try:
        if not known:
            add_grant(connection, journal, where, terms, now, entry.number)
        else:
            _require_same(
                known[0], where, terms._replace(lifts=lifted(connection, where.resource, terms.lifts))
            )
        if entry.revoked and not (known and known[0].state is State.REVOKED):
            revoke_grant(connection, journal, entry.number)
    except StateError as error:
        raise place.error(str(error)) from error
    if known and known[0].state is State.REVOKED and not entry.revoked:
        raise (place / "revoked").error(f"grant {entry.number} is revoked, and stays so; make another one")


def _require_same(known: StoredGrant, place: GrantPlace, terms: Terms) -> None:
    before = facts_of(_terms_of(known)) | place_of(known.key)._asdict()
    after = facts_of(terms) | place._asdict()
    for name, value in after.items():
        if before[name] != value:
            raise StateError(
                f"grant {known.number} has the {name} {before[name]!r}, and grants do not change; "
                "revoke it, and make another one"
            )


def _terms_of(known: StoredGrant) -> Terms:
    amount = known.holding.limit
    return Terms(amount, known.starts, known.expires, known.priority, known.lifts, known.note)
