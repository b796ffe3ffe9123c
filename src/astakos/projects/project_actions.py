"""What can be done to projects and applications, as tables (`identity-and-projects.md` §3.2).

Types and policies in a request are checked before anything in these tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from astakos.events.event import Actor
from astakos.projects.project import (
    ALIVE,
    INITIALIZED,
    Application,
    ApplicationState,
    Project,
    ProjectState,
)
from astakos.projects.refusals import RefusalKind
from astakos.projects.roles import Parties, Role, only
from astakos.projects.transitions import Check, Transition

KEPT_BY_SYSTEM_PROJECTS = ("owner", "name", "homepage", "description")
"""Nobody can change these fields of a system project (§3.5)."""


class Submission(StrEnum):
    """The ways to submit an application."""

    CREATE = "create"
    MODIFY = "modify"


class ApplicationAction(StrEnum):
    """What can be done to an application, by the names of the API."""

    APPROVE = "approve"
    DENY = "deny"
    CANCEL = "cancel"
    DISMISS = "dismiss"


class ProjectAction(StrEnum):
    """What can be done to a project, by the names of the API."""

    SUSPEND = "suspend"
    UNSUSPEND = "unsuspend"
    TERMINATE = "terminate"
    REINSTATE = "reinstate"


class Effect(StrEnum):
    """What follows from a change besides the new state. All of it happens in the same transaction."""

    NEW_PROJECT = "there is a new project, *uninitialized*, with all values of the application"
    COUNT = "one more pending application counts for the caller"
    REPLACE = "an older pending application becomes *replaced*, and no longer counts for its applicant"
    KEEP_PROJECT = "the project itself stays as it is"
    UNCOUNT = "one pending application less counts for the applicant"
    COPY = "the values and capacities that the application sets become those of the project"
    FILL = "capacities that were never set get their defaults"
    ACTIVATE = "the project becomes *active*, whatever it was, and its limits apply"
    DELETE = "a project that was never active becomes *deleted*"
    LIMIT = "the limits apply again"
    NO_LIMIT = "all limits become 0"
    HOLD_NAME = "the project holds its name"
    FREE_NAME = "other projects can take the name"
    RESET_DEFAULT = "users whose default project it was use their own project by default again"
    FORGET_DEACTIVATION = "activating the owner again no longer changes the state of the project"


@dataclass(frozen=True, slots=True)
class SubmissionFacts:
    """What decides whether an application can be submitted.

    Attributes:
        actor: who submits it.
        project: the project to change; None if there is none.
        invalid: why a value is refused; None if all are valid.
        over_limit: why the application cannot be counted; None if it can.
        given: the names of the fields that the application sets.
    """

    actor: Actor
    project: Project | None
    invalid: str | None
    over_limit: str | None
    given: frozenset[str]

    @property
    def parties(self) -> Parties:
        """The owner of the project."""
        return _parties(self.project)


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """What decides whether an application can be decided.

    Attributes:
        actor: who decides it.
        application: the application; None if there is none with the number.
        project: the project that the request names; None if there is none.
        last: the number of that project's last application; None if it has none.
        namesake: the uuid of another project that holds the name the project would have; None if it is free.
        overdue: why it would end again at once; None if it would not.
        no_parent: why a new project cannot be within the parent that was asked for; None if it can.
    """

    actor: Actor
    application: Application | None
    project: Project | None
    last: int | None
    namesake: str | None
    overdue: str | None = None
    no_parent: str | None = None

    @property
    def parties(self) -> Parties:
        """The applicant."""
        return Parties(applicant=self.application.applicant if self.application else None)


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What decides whether the state of a project can be changed.

    Attributes:
        actor: who changes it.
        project: the project; None if there is none.
        namesake: the uuid of another project that holds its name; None if the name is free.
        overdue: why it would end again at once; None if it would not.
    """

    actor: Actor
    project: Project | None
    namesake: str | None
    overdue: str | None = None

    @property
    def parties(self) -> Parties:
        """The owner of the project."""
        return _parties(self.project)


def _parties(project: Project | None) -> Parties:
    return Parties(owner=project.owner if project else None)


def _state(project: Project | None) -> str:
    return project.state if project else "missing"


VALID = Check[SubmissionFacts](
    "all values are valid",
    lambda facts: facts.invalid is None,
    RefusalKind.INVALID,
    lambda facts: facts.invalid or "",
)
COUNTABLE = Check[SubmissionFacts](
    "the caller has fewer pending applications than their limit, or is a project administrator",
    lambda facts: facts.over_limit is None,
    RefusalKind.CONFLICT,
    lambda facts: facts.over_limit or "",
)
FOUND = Check[SubmissionFacts](
    "the project exists",
    lambda facts: facts.project is not None,
    RefusalKind.NOT_FOUND,
    lambda _: "there is no such project",
)
STARTED = Check[SubmissionFacts](
    "the project is active, suspended or terminated",
    lambda facts: facts.project is not None and facts.project.state in INITIALIZED,
    RefusalKind.CONFLICT,
    lambda facts: (
        f"the project is {_state(facts.project)}; only active, suspended and terminated projects can be "
        "modified"
    ),
)
OF_SYSTEM_PROJECT = Check[SubmissionFacts](
    f"the project is no system project, or the application sets none of {', '.join(KEPT_BY_SYSTEM_PROJECTS)}",
    lambda facts: (
        facts.project is not None
        and not (facts.project.system_project and facts.given.intersection(KEPT_BY_SYSTEM_PROJECTS))
    ),
    RefusalKind.CONFLICT,
    lambda facts: (
        "a system project keeps its "
        f"{', '.join(name for name in KEPT_BY_SYSTEM_PROJECTS if name in facts.given)}; leave them out"
    ),
)

SUBMISSIONS: Mapping[Submission, Transition[SubmissionFacts, ApplicationState]] = {
    Submission.CREATE: Transition(
        Submission.CREATE,
        [VALID, COUNTABLE],
        ApplicationState.PENDING,
        [Effect.NEW_PROJECT, Effect.COUNT],
    ),
    Submission.MODIFY: Transition(
        Submission.MODIFY,
        [
            FOUND,
            only(SubmissionFacts, Role.OWNER, Role.ADMINISTRATOR),
            STARTED,
            VALID,
            COUNTABLE,
            OF_SYSTEM_PROJECT,
        ],
        ApplicationState.PENDING,
        [Effect.KEEP_PROJECT, Effect.COUNT, Effect.REPLACE],
    ),
}

SUBMITTED = Check[ApplicationFacts](
    "the application exists",
    lambda facts: facts.application is not None,
    RefusalKind.NOT_FOUND,
    lambda _: "there is no such application",
)
LAST = Check[ApplicationFacts](
    "it is the last application of the project with this UUID",
    lambda facts: facts.application is not None and facts.application.id == facts.last,
    RefusalKind.CONFLICT,
    lambda facts: (
        "the project has no application; name the project by its UUID"
        if facts.last is None
        else f"only the last application of a project can be decided, which is {facts.last}"
    ),
)
FREE_TO_APPROVE = Check[ApplicationFacts](
    "no other active or suspended project has the name",
    lambda facts: facts.namesake is None,
    RefusalKind.CONFLICT,
    lambda facts: (
        f"the project {facts.namesake} has this name; terminate or rename it, or ask for another name"
    ),
)
IN_TIME = "the project's end date is in the future, unless projects do not end by themselves"
APPROVED_IN_TIME = Check[ApplicationFacts](
    IN_TIME,
    lambda facts: facts.overdue is None,
    RefusalKind.CONFLICT,
    lambda facts: f"{facts.overdue}; apply again, with a later end date",
)

WITHIN_PARENT = Check[ApplicationFacts](
    "the parent of a new project, if it has one, is active or suspended",
    lambda facts: facts.no_parent is None,
    RefusalKind.CONFLICT,
    lambda facts: f"{facts.no_parent}; reinstate it, or move the project",
)


def _in_state(state: ApplicationState) -> Check[ApplicationFacts]:
    return Check(
        f"the application is {state}",
        lambda facts: facts.application is not None and facts.application.state is state,
        RefusalKind.CONFLICT,
        lambda facts: (
            f"the application is {facts.application.state if facts.application else 'missing'}, not {state}"
        ),
    )


PENDING = _in_state(ApplicationState.PENDING)

APPLICATION_ACTIONS: Mapping[ApplicationAction, Transition[ApplicationFacts, ApplicationState]] = {
    ApplicationAction.APPROVE: Transition(
        ApplicationAction.APPROVE,
        [
            SUBMITTED,
            LAST,
            only(ApplicationFacts, Role.ADMINISTRATOR),
            PENDING,
            FREE_TO_APPROVE,
            APPROVED_IN_TIME,
            WITHIN_PARENT,
        ],
        ApplicationState.APPROVED,
        [
            Effect.UNCOUNT,
            Effect.COPY,
            Effect.FILL,
            Effect.ACTIVATE,
            Effect.HOLD_NAME,
            Effect.FORGET_DEACTIVATION,
        ],
    ),
    ApplicationAction.DENY: Transition(
        ApplicationAction.DENY,
        [SUBMITTED, LAST, only(ApplicationFacts, Role.ADMINISTRATOR), PENDING],
        ApplicationState.DENIED,
        [Effect.UNCOUNT, Effect.KEEP_PROJECT],
    ),
    ApplicationAction.CANCEL: Transition(
        ApplicationAction.CANCEL,
        [SUBMITTED, LAST, only(ApplicationFacts, Role.APPLICANT, Role.ADMINISTRATOR), PENDING],
        ApplicationState.CANCELLED,
        [Effect.UNCOUNT, Effect.DELETE],
    ),
    ApplicationAction.DISMISS: Transition(
        ApplicationAction.DISMISS,
        [
            SUBMITTED,
            LAST,
            only(ApplicationFacts, Role.APPLICANT, Role.ADMINISTRATOR),
            _in_state(ApplicationState.DENIED),
        ],
        ApplicationState.DISMISSED,
        [Effect.DELETE],
    ),
}

EXISTING = Check[ProjectFacts](
    "the project exists",
    lambda facts: facts.project is not None,
    RefusalKind.NOT_FOUND,
    lambda _: "there is no such project",
)
RUNNING = Check[ProjectFacts](
    "the project is active or suspended",
    lambda facts: facts.project is not None and facts.project.state in ALIVE,
    RefusalKind.CONFLICT,
    lambda facts: f"the project is {_state(facts.project)}; it must be active or suspended",
)
NOT_SUSPENDED = Check[ProjectFacts](
    "the project is not suspended",
    lambda facts: facts.project is not None and facts.project.state is not ProjectState.SUSPENDED,
    RefusalKind.CONFLICT,
    lambda _: "the project is suspended already",
)
NO_SYSTEM_PROJECT = Check[ProjectFacts](
    "the project is no system project",
    lambda facts: facts.project is not None and not facts.project.system_project,
    RefusalKind.CONFLICT,
    lambda _: "a system project cannot be terminated; deactivate its user, or suspend it",
)
FREE_TO_REINSTATE = Check[ProjectFacts](
    "no other active or suspended project has its name",
    lambda facts: facts.namesake is None,
    RefusalKind.CONFLICT,
    lambda facts: (
        f"the project {facts.namesake} has its name; terminate or rename that project, "
        "or approve a modification that renames this one"
    ),
)
REINSTATED_IN_TIME = Check[ProjectFacts](
    IN_TIME,
    lambda facts: facts.overdue is None,
    RefusalKind.CONFLICT,
    lambda facts: f"{facts.overdue}; change the end date first",
)


def _project_in_state(state: ProjectState) -> Check[ProjectFacts]:
    return Check(
        f"the project is {state}",
        lambda facts: facts.project is not None and facts.project.state is state,
        RefusalKind.CONFLICT,
        lambda facts: f"the project is {_state(facts.project)}, not {state}",
    )


DECIDES = only(ProjectFacts, Role.ADMINISTRATOR)

PROJECT_ACTIONS: Mapping[ProjectAction, Transition[ProjectFacts, ProjectState]] = {
    ProjectAction.SUSPEND: Transition(
        ProjectAction.SUSPEND,
        [EXISTING, DECIDES, RUNNING, NOT_SUSPENDED],
        ProjectState.SUSPENDED,
        [Effect.NO_LIMIT, Effect.FORGET_DEACTIVATION],
    ),
    ProjectAction.UNSUSPEND: Transition(
        ProjectAction.UNSUSPEND,
        [EXISTING, DECIDES, _project_in_state(ProjectState.SUSPENDED)],
        ProjectState.ACTIVE,
        [Effect.LIMIT, Effect.FORGET_DEACTIVATION],
    ),
    ProjectAction.TERMINATE: Transition(
        ProjectAction.TERMINATE,
        [EXISTING, DECIDES, RUNNING, NO_SYSTEM_PROJECT],
        ProjectState.TERMINATED,
        [Effect.NO_LIMIT, Effect.FREE_NAME, Effect.RESET_DEFAULT, Effect.FORGET_DEACTIVATION],
    ),
    ProjectAction.REINSTATE: Transition(
        ProjectAction.REINSTATE,
        [
            EXISTING,
            DECIDES,
            _project_in_state(ProjectState.TERMINATED),
            FREE_TO_REINSTATE,
            REINSTATED_IN_TIME,
        ],
        ProjectState.ACTIVE,
        [Effect.LIMIT, Effect.HOLD_NAME, Effect.FORGET_DEACTIVATION],
    ),
}
