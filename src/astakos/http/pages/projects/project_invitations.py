"""`ui/projects/<uuid>/invitations`: codes with which users join, for those who look after a project."""

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from astakos.administration.invitations import Invited, invite, list_invitations, revoke
from astakos.clock import DAY
from astakos.directory.tokens import new_token
from astakos.http.faults import ItemNotFound
from astakos.http.pages.page_kinds import user_action, user_making, user_page
from astakos.http.pages.projects.visited_project import (
    PROJECTS,
    VisitedProject,
    looked_after,
    sentence,
    tried,
)
from astakos.http.pages.refusals import NO_PAGE
from astakos.http.pages.visits import Question, UserVisit
from astakos.http.request import Answer
from astakos.http.routing import serial_of
from astakos.projects.invitations import MOST_DAYS, MOST_USES, USUAL_DAYS, Invitation
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Connection
from astakos.storage.tables import invitations as stored

MADE_ALREADY: Final = (
    "You have already sent this form. It made one invitation. Its code was shown once and is not "
    "stored. If you do not have it, revoke the invitation and make another."
)
USUAL: Final[Mapping[str, str]] = {"uses": "1", "days": str(USUAL_DAYS)}


class Found(NamedTuple):
    """What the page reads: the project, and its invitations, the newest first."""

    seen: VisitedProject
    invitations: list[Invitation]


async def invitations(visit: UserVisit) -> Answer:
    """Shows the page."""
    return await _shown(visit, USUAL, {})


async def _shown(
    visit: UserVisit,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    status: int = 200,
    made: Invited | None = None,
) -> Answer:
    found = await visit.service.read(_find, visit)
    return visit.page(
        "projects/invitations.html",
        status=status,
        seen=found.seen,
        project=found.seen.project,
        can=found.seen.permitted,
        invitations=found.invitations,
        values=values,
        errors=errors,
        made=made,
        join_url=f"{visit.service.base_url}/ui/join",
        tab="invitations",
    )


def _find(connection: Connection, visit: UserVisit) -> Found:
    seen = looked_after(connection, visit)
    listed = list_invitations(connection, visit.actor(connection), seen.project.uuid)
    return Found(seen, listed[::-1])


async def make_invitation(visit: UserVisit) -> Answer:
    """Makes an invitation, and shows its code, once."""
    seen = await visit.service.read(looked_after, visit)
    errors: dict[str, str] = {}
    uses = _number(visit.form.get("uses", ""), MOST_USES, "uses", errors)
    days = _number(visit.form.get("days", ""), MOST_DAYS, "days", errors)
    if errors:
        return await _shown(visit, visit.form, errors, 422)
    uuid, now, secret = seen.project.uuid, visit.site.now, new_token(os.urandom)
    try:
        made = await visit.make(
            lambda connection, actor: invite(connection, actor, uuid, uses, now + days * DAY, secret, now),
            place=lambda _: f"{seen.path}/invitations",
            again=MADE_ALREADY,
        )
    except ProjectRefusedError as refusal:
        return await _shown(visit, visit.form, {"all": sentence(refusal.message)}, refusal.kind.value)
    return await _shown(visit, USUAL, {}, made=made)


async def revoke_invitation(visit: UserVisit) -> Answer:
    """Revokes an invitation."""
    seen = await visit.service.read(looked_after, visit)
    number = visit.form.get("invitation", "")
    found = await visit.service.read(
        stored.find, serial_of(number) if number.isascii() and number.isdigit() else 0
    )
    if found is None or found.project != seen.project.uuid:
        raise ItemNotFound(NO_PAGE)
    back = f"{seen.path}/invitations"
    if not visit.is_confirmed:
        lines = ("Nobody can join with it any more. Whoever has joined stays a member.",)
        return visit.ask(Question(f"Revoke invitation {found.id}?", lines, "Revoke", back))
    now = visit.site.now
    refusal = await tried(visit, lambda connection, actor: revoke(connection, actor, found.id, now))
    if refusal is not None:
        return await _shown(visit, USUAL, {"all": sentence(refusal.message)}, refusal.kind.value)
    return visit.done(f"Invitation {found.id} is revoked.", back)


def _number(text: str, most: int, name: str, errors: dict[str, str]) -> int:
    digits = text.strip()
    if digits.isascii() and digits.isdigit() and len(digits) < 10 and 1 <= int(digits) <= most:
        return int(digits)
    errors[name] = f"Write a whole number from 1 to {most:,}."
    return 0


ROUTES = (
    user_page(f"{PROJECTS}/{{uuid}}/invitations", invitations),
    user_making(f"{PROJECTS}/{{uuid}}/invitations/make", make_invitation),
    user_action(f"{PROJECTS}/{{uuid}}/invitations/revoke", revoke_invitation),
)
