"""`ui/admin/users/<uuid>/export` and `erase`: all that is known of a person, and how it is deleted."""

from typing import Any, Final

import msgspec

from astakos.administration.erasure import ErasurePreview, erase_user, is_erased, preview_erasure
from astakos.administration.person_export import export_person, note_export
from astakos.administration.reasons import require_reason
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.faults import Conflict
from astakos.http.media_types import JSON_UTF8
from astakos.http.pages.page_kinds import administrator_action, administrator_page
from astakos.http.pages.users.decisions import OTHERS_DECIDE
from astakos.http.pages.users.visited_user import ONE, USERS, change_user, path_of, visited_user
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.http.web.redirects import PRIVATE
from astakos.pages.sentences import sentence
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Connection

NOT_ERASED: Final = "Write the address of the user whom you erase."


async def export(visit: UserVisit) -> Answer:
    """Returns all that is known of the user, as a file, and notes that in the audit log."""

    def document(connection: Connection) -> bytes:
        found: dict[str, Any] = export_person(connection, visited_user(connection, visit), visit.site.now)
        return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"

    content = await visit.service.read_much(document)

    def note(connection: Connection, actor: Actor, user: User) -> User:
        note_export(connection, actor, user, visit.service.now())
        return user

    user = await change_user(visit, note)
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{user.uuid}.json"'}
    return Answer(200, content, JSON_UTF8, headers)


async def erase(visit: UserVisit) -> Answer:
    """Says what erasing the user deletes and what stays, and asks for it."""
    return await _question(visit)


async def erase_now(visit: UserVisit) -> Answer:
    """Erases the user."""
    reason = visit.reason
    user = await visit.service.read(visited_user, visit)
    errors = {}
    if visit.form.get("address", "").strip().lower() != user.username:
        errors["address"] = NOT_ERASED
    try:
        require_reason(reason)
    except ProjectRefusedError as error:
        errors["reason"] = sentence(error.message)
    if errors:
        return await _question(visit, errors)

    def act(connection: Connection, actor: Actor, user: User) -> None:
        if user.uuid == visit.user.uuid:
            raise Conflict(OTHERS_DECIDE)
        erase_user(connection, actor, user, reason, visit.service.now())

    await change_user(visit, act)
    return visit.done(f"{user.email} has been erased.", USERS)


async def _question(visit: UserVisit, errors: dict[str, str] | None = None) -> Answer:
    user, preview = await visit.service.read_much(_preview, visit)
    if is_erased(user):
        raise Conflict("The user has been erased already.")
    return visit.page(
        "users/erase.html",
        status=422 if errors else 200,
        user=user,
        path=path_of(user),
        preview=preview,
        resources={one.name: one for one in await visit.service.resources()},
        reason=visit.form.get("reason", ""),
        address=visit.form.get("address", ""),
        errors=errors or {},
    )


def _preview(connection: Connection, visit: UserVisit) -> tuple[User, ErasurePreview]:
    user = visited_user(connection, visit)
    return user, preview_erasure(connection, user)


ROUTES = (
    administrator_action(f"{ONE}/export", export),
    administrator_page(f"{ONE}/erase", erase),
    administrator_action(f"{ONE}/erase/confirm", erase_now),
)
