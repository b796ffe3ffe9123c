"""The project that a page is about: who sees it, what they may do with it, and why a change is refused."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from astakos.administration.permitted_actions import Permitted, permitted
from astakos.administration.state_document import StateError
from astakos.events.event import Actor
from astakos.http.faults import ItemNotFound
from astakos.http.pages.refusals import NO_PAGE
from astakos.http.pages.user_meters import OWN
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.ledger.rules import UNLIMITED
from astakos.pages import sentences
from astakos.projects.project import (
    ACCEPTED_TYPE,
    ALIVE,
    Application,
    MembershipRecord,
    MembershipState,
    Project,
)
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.projects.visibility import sees
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, project_applications, projects

PROJECTS: Final = "/ui/projects"
NAMES_IN_WORDS: Final[Mapping[str, str]] = {
    "end_date": "end date",
    "start_date": "start date",
    "max_members": "number of members",
    "member_capacity": "what each member has",
    "project_capacity": "what all have together",
    "with this UUID": "with this address",
    "must be the UUID of an accepted user": "must be an accepted user",
    ", or force it": ", or go beyond it",
}
"""What messages for programs say, and what pages say."""


class VisitedProject(NamedTuple):
    """A project that a visitor sees.

    Attributes:
        project: The project.
        name: What pages call it.
        membership: The visitor's membership, or their last one; None if there never was one.
        application: The last application for it.
        permitted: What the visitor may do.
        is_administrator: Whether they decide about all projects.
        is_owner: Whether they own it.
    """

    project: Project
    name: str
    membership: MembershipRecord | None
    application: Application | None
    permitted: Permitted
    is_administrator: bool
    is_owner: bool

    @property
    def owns_without_membership(self) -> bool:
        """Whether the visitor owns a project that is in use, and has nothing of it: they are no member."""
        return self.is_owner and self.project.state in ALIVE and self.membership_state not in ACCEPTED_TYPE

    @property
    def membership_state(self) -> MembershipState | None:
        """The state of the visitor's membership."""
        return None if self.membership is None else self.membership.state

    @property
    def has_most(self) -> bool:
        """Whether the number of members is limited."""
        return self.project.max_members < UNLIMITED

    @property
    def path(self) -> str:
        """The path of its page."""
        return f"{PROJECTS}/{self.project.uuid}"


def visited_project(connection: Connection, visit: UserVisit) -> VisitedProject:
    """Returns the project that the path names.

    Raises:
        ItemNotFound: There is none, or the visitor does not see it.
    """
    project = projects.find(connection, visit.request.parameter)
    if project is None:
        raise ItemNotFound(NO_PAGE)
    actor = visit.actor(connection)
    membership = memberships.find_of(connection, visit.user.uuid, project.uuid)
    if not sees(actor, project, None if membership is None else membership.state):
        raise ItemNotFound(NO_PAGE)
    application = project_applications.find_last(connection, project.uuid)
    now = visit.site.now
    allowed = permitted(connection, actor, visit.user, project, membership, application, now)
    is_own = project.system_project and project.uuid == visit.user.uuid
    return VisitedProject(
        project,
        OWN if is_own else project.name,
        membership,
        application,
        allowed,
        actor.is_project_admin,
        project.owner == visit.user.uuid,
    )


def looked_after(connection: Connection, visit: UserVisit) -> VisitedProject:
    """Returns the project that the path names, for those who look after it.

    Raises:
        ItemNotFound: There is none, or the visitor neither owns it nor decides about projects.
    """
    found = visited_project(connection, visit)
    if not found.permitted.looks_after:
        raise ItemNotFound(NO_PAGE)
    return found


async def tried(
    visit: UserVisit,
    work: Callable[[Connection, Actor], Any],
    *,
    place: str = "",
    again: str = "",
) -> ProjectRefusedError | None:
    """Runs a change, and returns why it is refused; None if it is done.

    Args:
        visit: The visit.
        work: The change.
        place: If it makes something: the path of the page of that, see `UserVisit.make`.
        again: What to tell there if the form is sent again.

    Raises:
        ItemNotFound: What is to be changed does not exist, or not for the visitor.
        SentBeforeError: It makes something, and the form has been sent before.
    """
    try:
        if place:
            await visit.make(work, place=lambda _: place, again=again)
        else:
            await visit.change(work)
    except ProjectRefusedError as refusal:
        if refusal.kind is RefusalKind.NOT_FOUND:
            raise ItemNotFound(sentence(refusal.message)) from refusal
        return refusal
    except StateError as error:
        return ProjectRefusedError(RefusalKind.CONFLICT, str(error))
    return None


def sentence(message: str) -> str:
    """Returns the message of a refusal as a sentence for people."""
    for name, words in NAMES_IN_WORDS.items():
        message = message.replace(name, words)
    return sentences.sentence(message)


def refused_page(
    visit: UserVisit, template: str, refusal: ProjectRefusedError | None, **values: Any
) -> Answer:
    """Returns a page with its form, which was refused or is shown for the first time."""
    return visit.page(
        template,
        status=200 if refusal is None else refusal.kind.value,
        error="" if refusal is None else sentence(refusal.message),
        **values,
    )
