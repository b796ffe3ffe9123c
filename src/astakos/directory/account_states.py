"""The state of an account in one word (`identity-and-projects.md` §1)."""

from enum import StrEnum

from astakos.directory.entities import User


class AccountState(StrEnum):
    """What an account is, and so what can be done to it."""

    UNVERIFIED = "unverified"
    WAITING = "waiting"
    REJECTED = "rejected"
    ACTIVE = "active"
    INACTIVE = "inactive"


def state_of(user: User) -> AccountState:
    """Returns the state of a user's account: `waiting` is verified, but neither accepted nor rejected."""
    if user.is_active:
        return AccountState.ACTIVE
    if not user.email_verified:
        return AccountState.UNVERIFIED
    if not user.moderated:
        return AccountState.WAITING
    return AccountState.REJECTED if user.is_rejected else AccountState.INACTIVE
