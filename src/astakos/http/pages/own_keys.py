"""`ui/access/keys`: a user makes, changes, rotates and revokes API keys."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from astakos.administration.key_changes import (
    KeyRefusedError,
    MadeKey,
    NoSuchKeyError,
    change_key,
    find_key,
    make_key,
    revoke_key,
    rotate_key,
)
from astakos.clock import DAY, MICROSECONDS
from astakos.directory.api_keys import ApiKey, prefix_of
from astakos.directory.entities import Resource, User
from astakos.directory.service_catalog import OWN_COMPONENT
from astakos.events.event import Actor
from astakos.http.faults import ItemNotFound
from astakos.http.pages.access import ACCESS
from astakos.http.pages.key_forms import MOST_CHOICES, KeyForm, offered_resources
from astakos.http.pages.page_kinds import user_action, user_making, user_page
from astakos.http.pages.user_meters import OWN
from astakos.http.pages.visits import Question, UserVisit
from astakos.http.request import Answer
from astakos.ledger.rules import UNLIMITED
from astakos.pages.meters import Meter
from astakos.pages.sentences import sentence
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys, key_holdings, projects, registry
from astakos.storage.tables.key_holdings import KeyQuota

KEYS: Final = f"{ACCESS}/keys"
NEW: Final = f"{KEYS}/new"
NO_KEY: Final = "There is no such key. It may have been revoked."
MADE_ALREADY: Final = (
    "You have already sent this form. It made this key, and no second one. The text of the key was "
    "shown once and is not stored. If you do not have it, replace it below."
)
REPLACED_ALREADY: Final = (
    "You have already sent this form. It replaced the text of the key once. The new text was shown and "
    "is not stored. If you do not have it, replace it again."
)
HOUR: Final = 3600 * MICROSECONDS
OVERLAPS: Final = {
    "0": ("It ends at once", 0),
    "hour": ("It stays valid for an hour", HOUR),
    "day": ("It stays valid for a day", DAY),
    "week": ("It stays valid for a week", 7 * DAY),
}
"""How long the present text of a key stays valid when it is replaced."""


class Offered(NamedTuple):
    """What the form of a new key offers to choose from."""

    services: Sequence[str]
    projects: Sequence[tuple[str, str]]


class FoundKey(NamedTuple):
    """A key, with what it may use and uses, and the name of its project."""

    key: ApiKey
    quotas: Sequence[KeyQuota]
    project: str
    services: Sequence[str]
    text_made: str


async def new(visit: UserVisit) -> Answer:
    """Asks what a new key shall be."""
    return await _new_form(visit, await _form_of_new(visit))


async def make(visit: UserVisit) -> Answer:
    """Makes a key, and shows it."""
    form = await _form_of_new(visit)
    form.given = visit.form
    now = visit.service.now()
    wanted = form.wanted(now)
    if form.errors:
        return await _new_form(visit, form)

    def change(connection: Connection, actor: Actor) -> MadeKey:
        return make_key(connection, actor, visit.user, wanted, now)

    try:
        made = await visit.make(change, place=_path_of, again=MADE_ALREADY)
    except KeyRefusedError as refusal:
        return await _new_form(visit, form, sentence(str(refusal)))
    return visit.page("key_made.html", key=made.key, text=made.text, is_new=True)


def _path_of(made: MadeKey) -> str:
    return f"{KEYS}/{made.key.prefix}"


async def _form_of_new(visit: UserVisit) -> KeyForm:
    offered = await visit.service.read(_offered, visit.user)
    resources = offered_resources(await visit.service.resources(), {})
    return KeyForm(resources, offered.services, visit.site.preferences)


def _offered(connection: Connection, user: User) -> Offered:
    return Offered(
        _services(connection),
        [
            (one.uuid, OWN if one.system_project else one.name)
            for one in projects.find_active_projects_of(connection, user.id)
        ],
    )


def _services(connection: Connection) -> list[str]:
    """Lists the services that the form offers. What a key may do here is decided by its calls."""
    listed = registry.list_services(connection)
    return [one.name for one in listed if one.component.name != OWN_COMPONENT][:MOST_CHOICES]


async def _new_form(visit: UserVisit, form: KeyForm, refusal: str = "") -> Answer:
    offered = await visit.service.read(_offered, visit.user)
    return visit.page(
        "key_new.html",
        status=422 if refusal or form.errors else 200,
        form=form,
        projects=[("", "All that you can draw from"), *offered.projects],
        refusal=refusal,
    )


async def show(visit: UserVisit) -> Answer:
    """Shows a key."""
    found = await _found(visit, visit.request.parameter)
    return await _page(visit, found, await _form_of(visit, found))


async def change(visit: UserVisit) -> Answer:
    """Changes a key."""
    found = await _found(visit, visit.form.get("key", ""))
    form = await _form_of(visit, found)
    form.given = visit.form
    now = visit.service.now()
    wanted = form.wanted(now)
    if form.errors:
        return await _page(visit, found, form)

    def carry_out(connection: Connection, actor: Actor) -> None:
        change_key(connection, actor, find_key(connection, found.key.prefix, visit.user), wanted, now)

    try:
        await visit.change(carry_out)
    except NoSuchKeyError as refusal:
        raise ItemNotFound(NO_KEY) from refusal
    except KeyRefusedError as refusal:
        return await _page(visit, found, form, sentence(str(refusal)))
    return visit.done("The key has been changed.", f"{KEYS}/{found.key.prefix}")


async def rotate(visit: UserVisit) -> Answer:
    """Gives a key a new text, and shows it."""
    prefix = prefix_of(visit.form.get("key", ""))
    _, overlap = OVERLAPS.get(visit.form.get("overlap", ""), OVERLAPS["day"])

    def carry_out(connection: Connection, actor: Actor) -> MadeKey:
        owned = find_key(connection, prefix, visit.user)
        if visit.form.get("text_made") != _text_made(connection, owned.key):
            raise KeyRefusedError(
                "nothing was changed: this key has got another text since you opened the form. If you do not "
                "have the present text, replace it once more"
            )
        return rotate_key(connection, actor, owned, visit.service.now(), overlap)

    try:
        made = await visit.make(carry_out, place=_path_of, again=REPLACED_ALREADY)
    except NoSuchKeyError as refusal:
        raise ItemNotFound(NO_KEY) from refusal
    except KeyRefusedError as refusal:
        found = await _found(visit, visit.form.get("key", ""))
        return await _page(visit, found, await _form_of(visit, found), sentence(str(refusal)))
    return visit.page("key_made.html", key=made.key, text=made.text, is_new=False)


async def revoke(visit: UserVisit) -> Answer:
    """Revokes a key."""
    found = await _found(visit, visit.form.get("key", ""))
    if not visit.is_confirmed:
        return visit.ask(
            Question(
                f"Revoke the key {found.key.name}?",
                [
                    "Programs that use it are refused from then on. It cannot be brought back.",
                    "What it has used, and what is pending, stays counted.",
                ],
                "Revoke key",
                f"{KEYS}/{found.key.prefix}",
            )
        )

    def carry_out(connection: Connection, actor: Actor) -> None:
        owned = find_key(connection, found.key.prefix, visit.user)
        revoke_key(connection, actor, owned, visit.service.now())

    try:
        await visit.change(carry_out)
    except NoSuchKeyError as refusal:
        raise ItemNotFound(NO_KEY) from refusal
    return visit.done(f"The key {found.key.name} has been revoked.", ACCESS)


async def _found(visit: UserVisit, given: str) -> FoundKey:
    try:
        return await visit.service.read(_find, visit.user, prefix_of(given), visit.site.now)
    except NoSuchKeyError as refusal:
        raise ItemNotFound(NO_KEY) from refusal


def _find(connection: Connection, user: User, prefix: str | None, now: int) -> FoundKey:
    key = find_key(connection, prefix, user).key
    project = None if key.project is None else projects.find(connection, key.project)
    return FoundKey(
        key,
        key_holdings.quotas_of(connection, user.uuid, key.prefix, now),
        "" if project is None else OWN if project.system_project else project.name,
        _services(connection),
        _text_made(connection, key),
    )


def _text_made(connection: Connection, key: ApiKey) -> str:
    """Returns when the present text of a key was made: a form that is sent again is about another one."""
    return "".join(str(one.created) for one in api_keys.list_secrets(connection, key.id)[:1])


async def _form_of(visit: UserVisit, found: FoundKey) -> KeyForm:
    limits = {
        one.resource: None if one.holding.limit == UNLIMITED else one.holding.limit for one in found.quotas
    }
    resources = offered_resources(await visit.service.resources(), limits)
    return KeyForm(resources, found.services, visit.site.preferences, found.key, limits)


async def _page(visit: UserVisit, found: FoundKey, form: KeyForm, refusal: str = "") -> Answer:
    key, now = found.key, visit.site.now
    resources = {one.name: one for one in await visit.service.resources()}
    return visit.page(
        "key.html",
        status=422 if refusal or form.errors else 200,
        key=key,
        has_expired=key.has_expired(now),
        last_used=visit.service.key_uses.last(key.prefix, key.last_used),
        project=found.project,
        text_made=found.text_made,
        meters=[
            _meter(one, resources.get(one.resource)) for one in found.quotas if one.holding.limit != UNLIMITED
        ],
        form=form,
        refusal=refusal,
        overlaps=[(name, words) for name, (words, _) in OVERLAPS.items()],
    )


def _meter(quota: KeyQuota, resource: Resource | None) -> Meter:
    holding, period = quota.holding, quota.period
    return Meter(
        quota.resource,
        holding.usage_min,
        holding.pending,
        holding.limit,
        None if resource is None else resource.unit,
        0 if resource is None else resource.scale,
        "" if resource is None else resource.description,
        "" if period is None else period.words,
        None if period is None else period.resets,
    )


ROUTES = (
    user_page(NEW, new),
    user_page(f"{KEYS}/{{key}}", show),
    user_making(f"{KEYS}/make", make),
    user_action(f"{KEYS}/change", change),
    user_making(f"{KEYS}/rotate", rotate),
    user_action(f"{KEYS}/revoke", revoke),
)
