"""`ui/join`: lets a user who has logged in join a project with the code of an invitation.

The code is typed into a form and not part of the URL: URLs end up in the logs of proxies, in histories, and
in the URL of the login page.
"""

from typing import NotRequired, TypedDict

from astakos.http.faults import BadRequest, Fault, Forbidden, TooManyAttempts
from astakos.http.forms import FormBody, read_form
from astakos.http.openapi.description import ELSEWHERE, PAGE, described
from astakos.http.projects.invited_joins import join, known_invitation
from astakos.http.request import Answer, Request
from astakos.http.web.browser_sessions import (
    PROOF,
    Login,
    login_address,
    login_of,
    require_own_form,
    require_own_site,
    terms_address,
)
from astakos.http.web.html import Html, base_path, hidden, html, page, redirect_within
from astakos.http.web.login_page import TOO_MANY
from astakos.projects.project import Project
from astakos.service.service import Service
from astakos.storage.tables import projects, users

LONGEST = 255


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
    if request.method != "POST":
        return _question(service, login)
    require_own_site(service, request)
    form = await read_form(request)
    require_own_form(service, request, form, login)
    code = form.get("invitation", "").strip()[:LONGEST]
    try:
        invitation = await known_invitation(service, request, login.user, code)
        if form.get("confirmed"):
            await join(service, request, login.user, code)
    except Fault as fault:
        return _question(service, login, fault)
    project = await service.read(projects.find, invitation.project)
    if project is None:
        return _question(service, login)
    if form.get("confirmed"):
        return page("You have joined", html("<p>You are a member of {}.</p>", project.name))
    return await _confirmation(service, login, project, code)


def _question(service: Service, login: Login, fault: Fault | None = None) -> Answer:
    marks = html(' aria-invalid="true" aria-describedby="error"') if fault else Html()
    error = html('<p class="error" id="error" role="alert">{}</p>', fault.message) if fault else Html()
    content = html(
        '<p>You are signed in as {}.</p>\n<form method="post" action="{}/ui/join">\n{}\n'
        '<label for="invitation">The code of your invitation</label>\n'
        '<input id="invitation" name="invitation" type="text" autocomplete="off" autocapitalize="none" '
        'spellcheck="false" required autofocus maxlength="{}"{}>\n{}\n<button>Continue</button>\n</form>',
        login.user.email,
        base_path(service),
        hidden(PROOF, login.proof),
        LONGEST,
        marks,
        error,
    )
    return page(
        "Join a project",
        content,
        status=200 if fault is None else fault.status,
        retry_after=fault.retry_after if isinstance(fault, TooManyAttempts) else None,
    )


async def _confirmation(service: Service, login: Login, project: Project, code: str) -> Answer:
    owner = None if project.owner is None else await service.read(users.find_by_uuid, project.owner)
    content = html(
        "<dl>\n<dt>Project</dt>\n<dd>{}</dd>\n{}{}</dl>\n"
        '<form method="post" action="{}/ui/join">\n{}{}{}\n<button>Join as {}</button>\n</form>',
        project.name,
        _fact("Owner", owner.email if owner else ""),
        _fact("Description", project.description),
        base_path(service),
        hidden(PROOF, login.proof),
        hidden("invitation", code),
        hidden("confirmed", "yes"),
        login.user.email,
    )
    return page("Join this project?", content)


def _fact(name: str, value: str) -> Html:
    return html("<dt>{}</dt>\n<dd>{}</dd>\n", name, value) if value else Html()
