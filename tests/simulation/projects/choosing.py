"""Chooses calls so that what is rare comes as often as what is common.

All calls that a user could make now are sorted by what decides about them: the kind of call, the action, and
the checks that fail. Each of these sorts is as likely as any other.
"""

from collections.abc import Iterator

from simulation.projects.calls import (
    APPLICATION_ACTIONS,
    MEMBERSHIP_ACTIONS,
    PROJECT_ACTIONS,
    Act,
    Call,
    ChangeState,
    Decide,
    Enroll,
    Join,
    SetDefaultProject,
)
from simulation.projects.judging import Failing, failing_checks
from simulation.projects.state import State
from simulation.projects.world import BERT, OLGA, UNKNOWN

UNKNOWN_NUMBER = 987_654
MOST_APPLICATIONS = 2
"""Of each project, so many of the newest are called on."""

Sort = tuple[str, str, tuple[Failing, ...]]


def choose(state: State, caller: str, choice: int, *, succeed: bool) -> Call | None:
    """Returns a call of an active user, other than one that submits an application.

    Args:
        state: what the model remembers.
        caller: the uuid of the user.
        choice: any number; the same number chooses the same.
        succeed: whether the call must succeed, or must be refused.
    """
    sorts: dict[Sort, list[Call]] = {}
    for call in _calls(state, caller):
        failing = failing_checks(state, call)
        if (not failing) == succeed:
            is_missing = any(check.status == 404 for check in failing)
            action = "" if is_missing else getattr(call, "action", "")
            sort = (type(call).__name__, action, tuple(failing))
            sorts.setdefault(sort, []).append(call)
    if not sorts:
        return None
    place, which = divmod(choice, len(sorts))
    calls = list(sorts.values())[which]
    return calls[place % len(calls)]


def _calls(state: State, caller: str) -> Iterator[Call]:
    shared = [project for project in state.projects.values() if not project.system]
    uuids = [*(project.uuid for project in reversed(shared)), OLGA.uuid, UNKNOWN]
    numbers = [a.id for project in shared for a in project.applications[-MOST_APPLICATIONS:]]
    emails = [*(person.email for person in state.people.values()), BERT.email.upper()]
    for uuid in uuids:
        for action in APPLICATION_ACTIONS:
            for number in [*numbers, UNKNOWN_NUMBER]:
                yield Decide(caller, uuid, action, number)
        for action in PROJECT_ACTIONS:
            yield ChangeState(caller, uuid, action)
        yield Join(caller, uuid)
        yield SetDefaultProject(caller, uuid)
        for email in emails:
            yield Enroll(caller, uuid, email)
    for action in MEMBERSHIP_ACTIONS:
        for membership in state.memberships.values():
            yield Act(caller, membership.id or 0, action)
        yield Act(caller, UNKNOWN_NUMBER, action)
