"""Charges users for their applications that wait for a decision (`identity-and-projects.md` §3.2).

The service is a component of its own ledger here: `astakos.pending_app` is charged on the system project of
the applicant, at both levels, in the transaction of the change that causes the charge.
"""

from collections.abc import Mapping

from astakos.counted_nouns import counted
from astakos.ledger.batch import carry_out_within
from astakos.ledger.operations import Issue, Issued, Outcome
from astakos.ledger.rules import (
    UNLIMITED,
    Key,
    NoCapacity,
    NoHolding,
    NoQuantity,
    OutOfRange,
    Provision,
    merge,
)
from astakos.projects.limits import project_holder, user_holder
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.storage.opening import joined_transaction
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry

PENDING_APPLICATIONS = "astakos.pending_app"
"""The resource of which each pending application takes one."""
NAME = "project applications"
"""The name of the commissions, which the history shows."""


def charge_pending_applications(
    connection: Connection, changes: Mapping[str, int], *, force: bool, now: int
) -> None:
    """Changes how many pending applications are counted for each applicant.

    All changes are one accepted commission. Nothing is counted while the resource is not registered.

    Args:
        connection: the connection of a `Database.change`, in which nothing is charged unless it commits.
        changes: the sum of the changes for each user, by uuid: 1 for an application that is submitted, -1 for
            one that is decided or replaced. A sum of 0 is charged as well, and refused above the limit
            (`quota-semantics.md` §2.1).
        force: whether a user may exceed their limit, as when an administrator acts.
        now: the time that is recorded.

    Raises:
        ProjectRefusedError: a user has too many pending applications, or no system project.
    """
    component = registry.component_of_resource(connection, PENDING_APPLICATIONS)
    if component is None:
        return
    quantities = {key: quantity for user, quantity in changes.items() for key in _keys_of(user)}
    while quantities:
        provisions = merge(Provision(*item) for item in quantities.items())
        issue = Issue(component, tuple(provisions), NAME, force=force, auto_accept=True)
        (outcome,) = carry_out_within(joined_transaction(connection), [issue], now, due=0).outcomes
        if isinstance(outcome, Issued):
            return
        # Fewer applications are counted than there are if some were submitted before the resource was
        # registered, or came with a loaded document. Even so, each of them can be decided.
        match outcome:
            case NoQuantity(provision=provision, usage=usage) if usage:
                quantities[provision.key] = -usage
            case NoQuantity(provision=provision):
                del quantities[provision.key]
            case NoHolding(provision=provision) if provision.quantity < 0:
                del quantities[provision.key]
            case _:
                raise _refused(outcome)


def _keys_of(user: str) -> tuple[Key, Key]:
    source = project_holder(user)
    member_level = Key(user_holder(user), source, PENDING_APPLICATIONS)
    return member_level, Key(source, None, PENDING_APPLICATIONS)


def _refused(outcome: Outcome) -> ProjectRefusedError:
    match outcome:
        case NoCapacity(usage=usage, limit=limit):
            message = _too_many(usage, limit)
        case OutOfRange(usage=usage):
            message = _too_many(usage, UNLIMITED)
        case NoHolding(provision=provision):
            _, _, user = provision.key.holder.partition(":")
            message = (
                f"user {user} has no system project, on which applications are counted; "
                "an administrator must accept the user first"
            )
        case _:
            raise TypeError(f"a charge cannot end with {outcome!r}")
    return ProjectRefusedError(RefusalKind.CONFLICT, message)


def _too_many(usage: int, limit: int) -> str:
    return (
        f"{counted(usage, 'project application is', 'project applications are')} pending, "
        f"and at most {limit} may be; cancel one, or wait until one is decided"
    )
