"""Resolves commissions in place of their components, for administrators, in the running service."""

from collections.abc import Sequence
from functools import partial

from astakos.administration.operator_resolutions import Resolution, note, plan, resolution_of, resolved_by
from astakos.administration.reasons import require_reason
from astakos.events.event import Actor
from astakos.ledger.operations import Verdict
from astakos.service.service import Service


async def resolve_commissions(
    service: Service, actor: Actor, serials: Sequence[int], verdict: Verdict, reason: str = ""
) -> Resolution:
    """Accepts or rejects pending commissions of any components. Each is in the audit log with the reason.

    The ledger commits by itself, so the audit log is told right after that, component by component.

    Args:
        service: The service.
        actor: Who resolves them.
        serials: Their serials. Those that are not pending are passed over, and are in the result.
        verdict: Whether to accept or to reject them.
        reason: Why, in the actor's words.

    Raises:
        StateError: They are too many; none was resolved.
        ProjectRefusedError: The reason cannot be recorded; none was resolved.
        StorageUnavailableError: The database cannot be read or written now. What is resolved stays resolved.
    """
    require_reason(reason)
    resolved: dict[int, str] = {}
    for planned in await service.read(plan, serials, verdict):
        done = resolved_by(planned, await service.ledger.submit(planned.operation), verdict)
        if done:
            now = service.now()
            await service.write(
                partial(note, actor=actor, verdict=verdict, reason=reason, now=now, resolved=done)
            )
        resolved |= done
    return resolution_of(serials, resolved)
