"""What the operations of a batch have to read before they can be applied."""

from collections.abc import Iterable

from astakos.ledger.key_levels import levels_of_key
from astakos.ledger.operations import (
    Extend,
    Grow,
    Issue,
    IssueMany,
    Operation,
    Progress,
    Reconcile,
    Resolve,
    Settle,
)
from astakos.ledger.ports import IdempotencyKey, Needs


def needs_of(operations: Iterable[Operation], due: int) -> Needs:
    """Returns what operations need; commissions whose time to live was over at `due` expire first."""
    needs = Needs(due=due)
    issues: list[Issue] = []
    for operation in operations:
        match operation:
            case Issue():
                issues.append(operation)
            case Resolve():
                serials = operation.accept ^ operation.reject
                needs.commissions.update([(operation.component, serial) for serial in serials])
            case IssueMany():
                issues += operation.issues
            case Settle() | Progress() | Extend():
                needs.commissions.add((operation.component, operation.serial))
            case Grow():
                needs.commissions.add((operation.component, operation.serial))
                needs.keys.update([key for key, _ in operation.totals])
            case Reconcile():
                needs.keys.update([key for key, _ in operation.usage])
                # Correcting drift takes one commission.
                needs.serials += operation.mend
    for issue in issues:
        needs.serials += not issue.is_question
        needs.keys.update([key for key, _ in issue.provisions])
        if issue.key_holder is not None:
            needs.keys |= levels_of_key(issue.key_holder, issue.provisions)
        if issue.idempotency is not None:
            needs.idempotency.add(idempotency_key(issue))
    return needs


def idempotency_key(issue: Issue) -> IdempotencyKey:
    """Returns what identifies repetitions of an issue."""
    return issue.component, issue.idempotency.key if issue.idempotency else ""
