"""`ui/account`: who a user is, the project they draw from by default, and how they want numbers and times."""

from collections.abc import Mapping
from typing import Final

from astakos.administration.user_registration import Particulars, UserRefusedError, change_user
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.account.default_project import choose_default_project
from astakos.http.faults import BadRequest, Conflict, Fault
from astakos.http.pages.page_kinds import user_action, user_page
from astakos.http.pages.user_meters import OWN
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.http.web.cookies import Cookies
from astakos.pages.preferences import BROWSERS_ZONE, NUMBER_STYLES, Preferences, is_zone, zones
from astakos.projects.project import Project
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, users
from astakos.storage.texts import is_storable

ACCOUNT: Final = "/ui/account"
LONGEST_NAME: Final = 100
EXAMPLE: Final = "1,234,567.89"
NAMES: Final = {"first_name": "first name", "last_name": "last name"}


async def account(visit: UserVisit) -> Answer:
    """Shows the page."""
    return await _page(visit)


async def _page(visit: UserVisit, errors: Mapping[str, str] | None = None, status: int = 422) -> Answer:
    user, form = visit.user, visit.form
    found = await visit.service.read(_projects_of, user)
    return visit.page(
        "account.html",
        status=status if errors else 200,
        user=user,
        names={name: form.get(name, getattr(user, name)) for name in NAMES},
        groups=await visit.service.groups_of(user),
        projects=[(one.uuid, OWN if one.system_project else one.name) for one in found],
        default_project=user.default_project or user.uuid,
        styles=[(name, Preferences(name).in_style(EXAMPLE)) for name in NUMBER_STYLES],
        zones=[(BROWSERS_ZONE, "As in this browser"), *((zone, zone.replace("_", " ")) for zone in zones())],
        errors=errors or {},
    )


def _projects_of(connection: Connection, user: User) -> list[Project]:
    return projects.find_active_projects_of(connection, user.id)


async def change_name(visit: UserVisit) -> Answer:
    """Changes the name of the user."""
    given = {name: visit.form.get(name, "").strip() for name in NAMES}
    errors = {
        name: f"Write a {NAMES[name]} of at most {LONGEST_NAME} characters."
        for name, text in given.items()
        if len(text) > LONGEST_NAME or not text.isprintable() or not is_storable(text)
    }
    if not errors and not any(given.values()):
        errors["first_name"] = "Write at least one name."
    if errors:
        return await _page(visit, errors)

    def change(connection: Connection, actor: Actor) -> None:
        present = users.find_by_uuid(connection, visit.user.uuid)
        if present is not None:
            names = Particulars(first_name=given["first_name"], last_name=given["last_name"])
            change_user(connection, actor, present, names, visit.site.now)

    try:
        await visit.change(change)
    except UserRefusedError as refusal:
        raise Conflict(str(refusal)) from refusal
    return visit.done("Your name has been changed.", ACCOUNT)


async def change_default_project(visit: UserVisit) -> Answer:
    """Changes the project that the user draws from by default."""
    project = visit.form.get("project", "")

    def change(connection: Connection, actor: Actor) -> None:
        choose_default_project(connection, actor, visit.user.uuid, project, visit.site.now)

    try:
        await visit.change(change)
    except Fault as fault:
        return await _page(visit, {"project": fault.message}, fault.status)
    return visit.done("Your default project has been changed.", ACCOUNT)


async def change_preferences(visit: UserVisit) -> Answer:
    """Notes in a cookie how numbers and times are written in this browser."""
    numbers, zone = visit.form.get("numbers", ""), visit.form.get("zone", "")
    if numbers not in NUMBER_STYLES or not (zone == BROWSERS_ZONE or is_zone(zone)):
        raise BadRequest("Choose one of the ways and zones that the page offers.")
    cookie = Cookies(visit.service.base_url).preferences(Preferences(numbers, zone).cookie)
    return visit.done(
        "Numbers and times are now written like that in this browser.", ACCOUNT, cookies=[cookie]
    )


ROUTES = (
    user_page(ACCOUNT, account),
    user_action(f"{ACCOUNT}/name", change_name),
    user_action(f"{ACCOUNT}/default-project", change_default_project),
    user_action(f"{ACCOUNT}/preferences", change_preferences),
)
