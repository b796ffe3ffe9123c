"""`ui/join`: lets a user who has logged in join a project with the code of an invitation.

The code is typed into a form and not part of the URL: URLs end up in the logs of proxies, in histories, and
in the URL of the login page.
"""

from typing import NotRequired, TypedDict

from astakos.directory.entities import User
from astakos.http.faults import BadRequest, Fault, Forbidden, TooManyAttempts
from astakos.http.forms import FormBody, read_form
from astakos.http.openapi.description import ELSEWHERE, PAGE, described
from astakos.http.pages.visits import Visit, visit_of
from astakos.http.projects.invited_joins import join, known_invitation
from astakos.http.request import Answer, Request
from astakos.http.web.browser_sessions import (
    login_address,
    login_of,
    require_own_form,
    require_own_site,
    terms_address,
)
from astakos.http.web.login_page import TOO_MANY
from astakos.http.web.redirects import redirect_within
from astakos.projects.invitations import Invitation
from astakos.projects.project import MembershipState, Project
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, projects, users


class JoinForm(TypedDict):
    """The code of an invitation. `confirmed` is not empty once the user has seen what they join."""

    invitation: NotRequired[str]
    confirmed: NotRequired[str]
    csrf_token: NotRequired[str]


@described(
    "login.join",
    body=FormBody(JoinForm),
    answers={200: PAGE, 302: ELSEWHERE, 404: PAGE, 409: PAGE, 429: TOO_MANY},
    faults=[BadRequest, Forbidden],
)
async def join_page(service: Service, request: Request) -> Answer:
    """Asks for the code of an invitation, then whether the user wants to join that project, and joins it."""
    here = f"{service.base_url}/ui/join"
    login = await login_of(service, request)
    if login is None:
        return redirect_within(service, login_address(service, here))
    if not login.user.has_signed_terms:
        return redirect_within(service, terms_address(service, here))
    visit = await visit_of(service, request, login)
    if request.method != "POST":
        return _question(visit)
    require_own_site(service, request)
    form = await read_form(request)
    require_own_form(service, request, form, login)
    code = form.get("invitation", "").strip()
    try:
        invitation = await known_invitation(service, request, login.user, code)
        if form.get("confirmed") and not await service.read(_has_joined, login.user, invitation):
            await join(service, request, login.user, code)
    except Fault as fault:
        return _question(visit, fault)
    project = await service.read(projects.find, invitation.project)
    if project is None:
        return _question(visit)
    if form.get("confirmed"):
        return visit.page("joined.html", project=project)
    return await _confirmation(visit, project, code)


def _has_joined(connection: Connection, user: User, invitation: Invitation) -> bool:
    """Whether a user is already a member: whoever sends the form again has what it asks for."""
    membership = memberships.find_of(connection, user.uuid, invitation.project)
    return membership is not None and membership.state is MembershipState.ACCEPTED


def _question(visit: Visit, fault: Fault | None = None) -> Answer:
    return visit.page(
        "join.html",
        status=200 if fault is None else fault.status,
        headers={"Retry-After": str(fault.retry_after)} if isinstance(fault, TooManyAttempts) else {},
        error="" if fault is None else fault.message,
    )


async def _confirmation(visit: Visit, project: Project, code: str) -> Answer:
    owner = None if project.owner is None else await visit.service.read(users.find_by_uuid, project.owner)
    return visit.page(
        "join_question.html", project=project, owner="" if owner is None else owner.email, code=code
    )
