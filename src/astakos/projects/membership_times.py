"""When a membership entered each of its states (`http-api.md` §9)."""

from collections.abc import Mapping

from astakos.projects.project import APPLYING, Membership, MembershipRecord, MembershipState

Times = Mapping[MembershipState, int]
"""Microseconds by state; a state that was never entered is missing."""


def enter(entered: Times, before: MembershipState | None, to: MembershipState, now: int) -> Times:
    """Returns the times after a transition.

    The first entry of a state counts, except that a state which is entered from itself, by another request
    to leave, is entered anew.

    Args:
        entered: the times before.
        before: the state before; None if there was no membership.
        to: the state that it enters.
        now: the time of the transition.
    """
    return entered if to in entered and to is not before else {**entered, to: now}


def placed(
    user: str, known: MembershipRecord | None, to: MembershipState, now: int, *, asked: bool = True
) -> Membership:
    """Returns a membership that an operator declares to be in a state.

    Args:
        user: the uuid of the user.
        known: the membership so far; None if there was none. A new one counts as accepted first, unless it is
            that of a user who was never a member.
        to: the state.
        now: the time of the declaration.
        asked: whether a new one counts as requested first.
    """
    if known is None:
        way = [MembershipState.REQUESTED] if asked else []
        if to not in APPLYING:
            way.append(MembershipState.ACCEPTED)
        entered: Times | None = dict.fromkeys([*way, to], now)
    else:
        entered = None if known.state is to else enter(known.entered, known.state, to, now)
    return Membership(user, to, ever_accepted=to not in APPLYING, entered=entered)
