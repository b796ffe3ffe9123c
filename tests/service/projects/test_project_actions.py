from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from astakos.events.event import OPERATOR, Actor
from astakos.projects.project import (
    Application,
    ApplicationState,
    Policy,
    Project,
    ProjectState,
)
from astakos.projects.project_actions import (
    APPLICATION_ACTIONS,
    PROJECT_ACTIONS,
    SUBMISSIONS,
    ApplicationAction,
    ApplicationFacts,
    ProjectAction,
    ProjectFacts,
    Submission,
    SubmissionFacts,
)
from astakos.projects.transitions import first_refusal

OWNER = Actor("owner", "192.0.2.1")
APPLICANT = Actor("applicant", "192.0.2.1")
ADMINISTRATOR = Actor("chief", "192.0.2.1", is_project_admin=True)
STRANGER = Actor("stranger", "192.0.2.1")

PROJECT = Project(
    uuid="project",
    name="lab.example.org",
    state=ProjectState.ACTIVE,
    system_project=False,
    owner="owner",
    homepage="",
    description="",
    comments="",
    creation_date=1,
    end_date=2,
    join_policy=Policy.AUTO,
    leave_policy=Policy.AUTO,
    max_members=3,
    private=False,
)
SYSTEM_PROJECT = replace(PROJECT, system_project=True)
APPLICATION = Application(7, "project", "applicant", ApplicationState.PENDING, 1)
DENIED = replace(APPLICATION, state=ApplicationState.DENIED)
APPROVED = replace(APPLICATION, state=ApplicationState.APPROVED)


def with_state(state: ProjectState) -> Project:
    return replace(PROJECT, state=state)


SUBMISSION = SubmissionFacts(OWNER, PROJECT, None, None, frozenset(["name"]))
DECISION = ApplicationFacts(ADMINISTRATOR, APPLICATION, PROJECT, 7, None)
CHANGE = ProjectFacts(ADMINISTRATOR, PROJECT, None)

Spoiled = Mapping[str, Any]
"""What to put in place of some facts, so that one check fails."""

ROWS: Mapping[str, tuple[Any, Any, Sequence[tuple[int, Spoiled]]]] = {
    "create": (
        SUBMISSIONS[Submission.CREATE],
        SUBMISSION,
        [(400, {"invalid": "bad"}), (409, {"over_limit": "many"})],
    ),
    "modify": (
        SUBMISSIONS[Submission.MODIFY],
        SUBMISSION,
        [
            (404, {"project": None}),
            (403, {"actor": STRANGER}),
            (409, {"project": with_state(ProjectState.UNINITIALIZED)}),
            (400, {"invalid": "bad"}),
            (409, {"over_limit": "many"}),
            (409, {"project": SYSTEM_PROJECT}),
        ],
    ),
    "approve": (
        APPLICATION_ACTIONS[ApplicationAction.APPROVE],
        DECISION,
        [
            (404, {"application": None}),
            (409, {"last": 8}),
            (403, {"actor": APPLICANT}),
            (409, {"application": APPROVED}),
            (409, {"namesake": "other"}),
            (409, {"overdue": "it is over"}),
            (409, {"no_parent": "the parent is terminated"}),
        ],
    ),
    "deny": (
        APPLICATION_ACTIONS[ApplicationAction.DENY],
        DECISION,
        [
            (404, {"application": None}),
            (409, {"last": None}),
            (403, {"actor": APPLICANT}),
            (409, {"application": DENIED}),
        ],
    ),
    "cancel": (
        APPLICATION_ACTIONS[ApplicationAction.CANCEL],
        replace(DECISION, actor=APPLICANT),
        [
            (404, {"application": None}),
            (409, {"last": 6}),
            (403, {"actor": OWNER}),
            (409, {"application": DENIED}),
        ],
    ),
    "dismiss": (
        APPLICATION_ACTIONS[ApplicationAction.DISMISS],
        replace(DECISION, application=DENIED),
        [
            (404, {"application": None}),
            (409, {"last": 8}),
            (403, {"actor": OWNER}),
            (409, {"application": APPLICATION}),
        ],
    ),
    "suspend": (
        PROJECT_ACTIONS[ProjectAction.SUSPEND],
        CHANGE,
        [
            (404, {"project": None}),
            (403, {"actor": OWNER}),
            (409, {"project": with_state(ProjectState.TERMINATED)}),
            (409, {"project": with_state(ProjectState.SUSPENDED)}),
        ],
    ),
    "unsuspend": (
        PROJECT_ACTIONS[ProjectAction.UNSUSPEND],
        replace(CHANGE, project=with_state(ProjectState.SUSPENDED)),
        [
            (404, {"project": None}),
            (403, {"actor": OWNER}),
            (409, {"project": PROJECT}),
        ],
    ),
    "terminate": (
        PROJECT_ACTIONS[ProjectAction.TERMINATE],
        CHANGE,
        [
            (404, {"project": None}),
            (403, {"actor": OWNER}),
            (409, {"project": with_state(ProjectState.DELETED)}),
            (409, {"project": SYSTEM_PROJECT}),
        ],
    ),
    "reinstate": (
        PROJECT_ACTIONS[ProjectAction.REINSTATE],
        replace(CHANGE, project=with_state(ProjectState.TERMINATED)),
        [
            (404, {"project": None}),
            (403, {"actor": OWNER}),
            (409, {"project": with_state(ProjectState.SUSPENDED)}),
            (409, {"namesake": "other"}),
            (409, {"overdue": "it is over"}),
        ],
    ),
}
"""For each action what meets all its checks, and the answer to what meets all but one, by the protocol."""

EACH_CHECK = [(name, number) for name, row in ROWS.items() for number in range(len(row[2]))]


@pytest.mark.parametrize(("name", "number"), EACH_CHECK)
def test_the_first_check_that_fails_decides_whatever_fails_later(name: str, number: int) -> None:
    row, facts, spoils = ROWS[name]
    assert row.is_allowed(facts)
    assert len(row.checks) == len(spoils)
    status, spoil = spoils[number]
    check = row.checks[number]
    alone = first_refusal(row.checks, replace(facts, **spoil))
    later: dict[str, Any] = {}
    for _, spoiled in reversed(spoils[number:]):
        later |= spoiled
    with_later = first_refusal(row.checks, replace(facts, **later))
    for refusal in (alone, with_later):
        assert refusal is not None
        assert (refusal.kind, refusal.kind.value) == (check.kind, status)
        assert check.message(replace(facts, **later)) == with_later.message if with_later else False
        assert refusal.message


def test_every_action_of_the_api_has_a_row() -> None:
    for table, actions in (
        (SUBMISSIONS, Submission),
        (APPLICATION_ACTIONS, ApplicationAction),
        (PROJECT_ACTIONS, ProjectAction),
    ):
        assert list(table) == list(actions)
        assert [row.action for row in table.values()] == list(actions)


@pytest.mark.parametrize("actor", [OWNER, ADMINISTRATOR, OPERATOR])
def test_owners_and_administrators_can_ask_for_changes(actor: Actor) -> None:
    assert SUBMISSIONS[Submission.MODIFY].is_allowed(replace(SUBMISSION, actor=actor))


@pytest.mark.parametrize("actor", [APPLICANT, ADMINISTRATOR, OPERATOR])
def test_applicants_and_administrators_can_take_back(actor: Actor) -> None:
    assert APPLICATION_ACTIONS[ApplicationAction.CANCEL].is_allowed(replace(DECISION, actor=actor))


def states_in_which(is_allowed: Callable[[Project], bool]) -> set[ProjectState]:
    return {state for state in ProjectState if is_allowed(with_state(state))}


def test_what_can_be_modified_has_once_been_active() -> None:
    row = SUBMISSIONS[Submission.MODIFY]
    assert states_in_which(lambda project: row.is_allowed(replace(SUBMISSION, project=project))) == {
        ProjectState.ACTIVE,
        ProjectState.SUSPENDED,
        ProjectState.TERMINATED,
    }


@pytest.mark.parametrize(
    ("action", "states"),
    [
        (ProjectAction.SUSPEND, {ProjectState.ACTIVE}),
        (ProjectAction.UNSUSPEND, {ProjectState.SUSPENDED}),
        (ProjectAction.TERMINATE, {ProjectState.ACTIVE, ProjectState.SUSPENDED}),
        (ProjectAction.REINSTATE, {ProjectState.TERMINATED}),
    ],
)
def test_each_action_has_its_states(action: ProjectAction, states: set[ProjectState]) -> None:
    row = PROJECT_ACTIONS[action]
    assert states_in_which(lambda project: row.is_allowed(replace(CHANGE, project=project))) == states


def test_system_projects_keep_who_and_what_they_are_but_not_their_limits() -> None:
    row = SUBMISSIONS[Submission.MODIFY]
    of_system = replace(SUBMISSION, actor=ADMINISTRATOR, project=SYSTEM_PROJECT)
    for kept in ("owner", "name", "homepage", "description"):
        assert not row.is_allowed(replace(of_system, given=frozenset([kept, "resources"])))
    assert row.is_allowed(replace(of_system, given=frozenset(["resources", "max_members", "comments"])))
