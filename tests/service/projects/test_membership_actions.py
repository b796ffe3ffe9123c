from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations, product

import pytest

from astakos.directory.entities import User
from astakos.events.event import OPERATOR, Actor
from astakos.ledger.rules import UNLIMITED
from astakos.projects.membership_actions import (
    AUTO_ACCEPT,
    TABLE,
    MembershipFacts,
    allowed_actions,
    event_kind,
    transition,
)
from astakos.projects.membership_actions import MembershipAction as A
from astakos.projects.project import MembershipState, Policy, Project, ProjectState
from astakos.projects.refusals import ProjectRefusedError

S = MembershipState
MEMBER, OWNER, STRANGER = (Actor(name, "192.0.2.1") for name in ("member", "owner", "stranger"))
ADMIN = Actor("admin", "192.0.2.1", is_project_admin=True)
PLACES = 3


def project(**changes: object) -> Project:
    usual = Project(
        uuid="project",
        name="lab.example.org",
        state=ProjectState.ACTIVE,
        system_project=False,
        owner="owner",
        homepage="",
        description="",
        comments="",
        creation_date=0,
        end_date=1,
        join_policy=Policy.MODERATED,
        leave_policy=Policy.MODERATED,
        max_members=PLACES,
        private=False,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def user(**changes: object) -> User:
    usual = User(1, "member", "m@example.org", "m@example.org", "M", "", True, True, True, False, True)
    return replace(usual, **changes)  # type: ignore[arg-type]


def facts(
    state: MembershipState | None = S.REQUESTED,
    actor: Actor = ADMIN,
    members: int = 0,
    user: User | None = user(),  # noqa: B008 - a value
    **changes: object,
) -> MembershipFacts:
    return MembershipFacts(actor, project(**changes), user, state, lambda: members)


Break = Callable[[MembershipFacts], MembershipFacts]


def breaks_project(**changes: object) -> Break:
    def spoil(facts: MembershipFacts) -> MembershipFacts:
        return facts if facts.project is None else replace(facts, project=replace(facts.project, **changes))  # type: ignore[arg-type]

    return spoil


def breaks_user(**changes: object) -> Break:
    def spoil(facts: MembershipFacts) -> MembershipFacts:
        return facts if facts.user is None else replace(facts, user=replace(facts.user, **changes))  # type: ignore[arg-type]

    return spoil


def in_state(state: MembershipState | None) -> Break:
    return lambda facts: replace(facts, state=state)


NO_PROJECT: Break = lambda facts: replace(facts, project=None)  # noqa: E731
NO_USER: Break = lambda facts: replace(facts, user=None)  # noqa: E731
UNACCEPTED = breaks_user(moderated=False)
INACTIVE = breaks_user(is_active=False)
BY_STRANGER: Break = lambda facts: replace(facts, actor=STRANGER)  # noqa: E731
ENDED = breaks_project(state=ProjectState.TERMINATED)
JOIN_CLOSED = breaks_project(join_policy=Policy.CLOSED)
LEAVE_CLOSED = breaks_project(leave_policy=Policy.CLOSED)
FULL: Break = lambda facts: replace(facts, count_members=lambda: PLACES)  # noqa: E731

# For each action, the state to begin with, and every way to fail in the order of the protocol (§4).
ORDERS: Mapping[A, tuple[MembershipState | None, list[tuple[Break, int, str]]]] = {
    A.JOIN: (
        None,
        [
            (NO_PROJECT, 404, "no such project"),
            (NO_USER, 404, "no such user"),
            (ENDED, 409, "the project is terminated"),
            (JOIN_CLOSED, 409, "the join policy .* is closed"),
            (in_state(S.REQUESTED), 409, "already has a membership .* requested"),
        ],
    ),
    A.ENROLL: (
        None,
        [
            (UNACCEPTED, 409, "no accepted user"),
            (NO_PROJECT, 409, "no such project"),
            (INACTIVE, 409, "not active"),
            (BY_STRANGER, 403, "only the owner or a project administrator"),
            (ENDED, 409, "the project is terminated"),
            (JOIN_CLOSED, 409, "the join policy .* is closed"),
            (FULL, 409, "full: it can have 3 members"),
            (in_state(S.SUSPENDED), 409, "a member of the project already"),
        ],
    ),
    A.ACCEPT: (
        S.REQUESTED,
        [
            (in_state(S.ACCEPTED), 409, "the membership is accepted; this takes one that is requested"),
            (INACTIVE, 409, "not active"),
            (BY_STRANGER, 403, "only the owner or a project administrator"),
            (ENDED, 409, "the project is terminated"),
            (JOIN_CLOSED, 409, "the join policy .* is closed"),
            (FULL, 409, "full: it can have 3 members"),
        ],
    ),
    A.REJECT: (
        S.REQUESTED,
        [
            (in_state(S.REMOVED), 409, "the membership is removed"),
            (BY_STRANGER, 403, "only the owner or a project administrator"),
            (ENDED, 409, "the project is terminated"),
        ],
    ),
    A.CANCEL: (
        S.REQUESTED,
        [
            (in_state(S.REJECTED), 409, "the membership is rejected"),
            (BY_STRANGER, 403, "only the member or a project administrator"),
            (ENDED, 409, "the project is terminated"),
        ],
    ),
    A.LEAVE: (
        S.ACCEPTED,
        [
            (in_state(S.REQUESTED), 409, "the membership is requested; this takes one that is accepted or"),
            (BY_STRANGER, 403, "only the member or a project administrator"),
            (ENDED, 409, "the project is terminated"),
            (LEAVE_CLOSED, 409, "the leave policy .* is closed"),
        ],
    ),
    A.REMOVE: (
        S.ACCEPTED,
        [
            (in_state(S.CANCELLED), 409, "the membership is cancelled"),
            (BY_STRANGER, 403, "only the owner or a project administrator"),
            (ENDED, 409, "the project is terminated"),
            (LEAVE_CLOSED, 409, "the leave policy .* is closed"),
        ],
    ),
    A.SUSPEND: (
        S.ACCEPTED,
        [
            (in_state(S.SUSPENDED), 409, "the membership is suspended; this takes one that is accepted or"),
        ],
    ),
    A.UNSUSPEND: (
        S.SUSPENDED,
        [
            (in_state(S.ACCEPTED), 409, "the membership is accepted; this takes one that is suspended"),
        ],
    ),
}


@pytest.mark.parametrize("action", A)
def test_whoever_passes_every_check_may(action: A) -> None:
    state, _ = ORDERS[action]
    assert transition(action, facts(state)).action is action


def _cases() -> list[object]:
    return [
        pytest.param(action, checks, id=f"{action}-{'-'.join(map(str, checks))}")
        for action, (_, order) in ORDERS.items()
        for checks in [*combinations(range(len(order)), 1), *combinations(range(len(order)), 2)]
    ]


@pytest.mark.parametrize(("action", "checks"), _cases())
def test_the_first_check_that_fails_decides(action: A, checks: tuple[int, ...]) -> None:
    state, order = ORDERS[action]
    judged = facts(state)
    for check in reversed(checks):
        judged = order[check][0](judged)
    _, kind, message = order[checks[0]]
    with pytest.raises(ProjectRefusedError, match=message) as refusal:
        transition(action, judged)
    assert refusal.value.kind.value == kind


STARTS: Mapping[A, set[MembershipState | None]] = {
    A.JOIN: {None, S.REJECTED, S.CANCELLED, S.REMOVED},
    A.ENROLL: {None, S.REQUESTED, S.REJECTED, S.CANCELLED, S.REMOVED},
    A.ACCEPT: {S.REQUESTED},
    A.REJECT: {S.REQUESTED},
    A.CANCEL: {S.REQUESTED},
    A.LEAVE: {S.ACCEPTED, S.LEAVE_REQUESTED, S.SUSPENDED},
    A.REMOVE: {S.ACCEPTED, S.LEAVE_REQUESTED, S.SUSPENDED},
    A.SUSPEND: {S.ACCEPTED, S.LEAVE_REQUESTED},
    A.UNSUSPEND: {S.SUSPENDED},
}


@pytest.mark.parametrize(("action", "state"), list(product(A, [None, *S])))
def test_actions_start_in_some_states(action: A, state: MembershipState | None) -> None:
    allowed = any(row.is_allowed(facts(state)) for row in TABLE[action])
    assert allowed == (state in STARTS[action])


@pytest.mark.parametrize(
    ("action", "state", "policy", "to", "kind"),
    [
        (A.JOIN, None, Policy.AUTO, S.REQUESTED, "requested"),
        (A.ENROLL, None, Policy.AUTO, S.ACCEPTED, "enrolled"),
        (A.ACCEPT, S.REQUESTED, Policy.AUTO, S.ACCEPTED, "accepted"),
        (A.REJECT, S.REQUESTED, Policy.AUTO, S.REJECTED, "rejected"),
        (A.CANCEL, S.REQUESTED, Policy.AUTO, S.CANCELLED, "cancelled"),
        (A.LEAVE, S.ACCEPTED, Policy.AUTO, S.REMOVED, "left"),
        (A.LEAVE, S.ACCEPTED, Policy.MODERATED, S.LEAVE_REQUESTED, "leave_requested"),
        (A.REMOVE, S.ACCEPTED, Policy.MODERATED, S.REMOVED, "removed"),
        (A.SUSPEND, S.ACCEPTED, Policy.AUTO, S.SUSPENDED, "suspended"),
        (A.UNSUSPEND, S.SUSPENDED, Policy.AUTO, S.ACCEPTED, "unsuspended"),
    ],
)
def test_where_actions_lead(
    action: A, state: MembershipState | None, policy: Policy, to: MembershipState, kind: str
) -> None:
    row = transition(action, facts(state, join_policy=policy, leave_policy=policy))
    assert (row.to, event_kind(row)) == (to, f"membership.{kind}")


def test_a_request_is_accepted_at_once_where_everybody_may_join_and_there_is_room() -> None:
    auto = facts(join_policy=Policy.AUTO, members=PLACES - 1)
    assert AUTO_ACCEPT.is_allowed(auto)
    for spoil in (FULL, INACTIVE, ENDED, breaks_project(join_policy=Policy.MODERATED)):
        assert not AUTO_ACCEPT.is_allowed(spoil(auto))


def test_members_are_not_counted_where_any_number_may_join() -> None:
    def count() -> int:
        raise AssertionError("counted")

    judged = replace(facts(max_members=UNLIMITED), count_members=count)
    assert transition(A.ACCEPT, judged).to is S.ACCEPTED


@pytest.mark.parametrize(
    ("judged", "allowed"),
    [
        (facts(S.REQUESTED, MEMBER), [A.CANCEL]),
        (facts(S.REQUESTED, OWNER), [A.ACCEPT, A.REJECT]),
        (facts(S.REQUESTED, ADMIN), [A.CANCEL, A.ACCEPT, A.REJECT]),
        (facts(S.REQUESTED, OPERATOR), [A.CANCEL, A.ACCEPT, A.REJECT]),
        (facts(S.REQUESTED, STRANGER), []),
        (facts(S.REQUESTED, OWNER, user=user(uuid="owner")), [A.CANCEL, A.ACCEPT, A.REJECT]),
        (facts(S.REQUESTED, OWNER, members=PLACES), [A.REJECT]),
        (facts(S.REQUESTED, OWNER, join_policy=Policy.CLOSED), [A.REJECT]),
        (facts(S.ACCEPTED, MEMBER), [A.LEAVE]),
        (facts(S.ACCEPTED, OWNER), [A.REMOVE]),
        (breaks_project(state=ProjectState.SUSPENDED)(facts(S.ACCEPTED, MEMBER)), [A.LEAVE]),
        (facts(S.ACCEPTED, ADMIN, leave_policy=Policy.CLOSED), []),
        (facts(S.REMOVED, ADMIN), []),
    ],
)
def test_allowed_actions_are_those_whose_checks_all_hold(judged: MembershipFacts, allowed: list[A]) -> None:
    assert allowed_actions(judged) == allowed
