"""Tells callers whether a change that failed for now can have taken effect (`docs/ledger.md`)."""

from astakos.http.faults import Fault, OutcomeUnknown, ServiceUnavailable, TooManyRequests
from astakos.ledger.engine_client import TooMuchInProgressError
from astakos.ledger.ports import OutcomeUnknownError, StorageUnavailableError


def fault_of(error: StorageUnavailableError) -> Fault:
    """Returns the fault for an error of the storage or the ledger."""
    if isinstance(error, TooMuchInProgressError):
        return TooManyRequests(f"Nothing was changed: {error}. Wait for the answers of earlier requests.")
    if isinstance(error, OutcomeUnknownError):
        return OutcomeUnknown(
            f"The change may have been made, or may still be made: {error}. Find out before you send it "
            "again, or repeat it with its Idempotency-Key."
        )
    return ServiceUnavailable(f"The service is unavailable now: {error}.")
