"""What the generations of the API answer differently, as a value that is chosen when the service starts.

`NEWEST` is what the original answers after 0.20, and the default. `OLDEST` is 0.14 (`http-api.md` §12): for
clients, scripts and services of those days which look at more than the documented client does. Handlers ask
the service's generation and never which one it is; what both answer alike stands in the handlers alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from astakos.directory.model import Resource, User
from astakos.http.bodies import FORM_TYPE, MULTIPART_TYPE, form_type_of, require_json
from astakos.http.commissions.requested_provisions import OLD_SYSTEM_SOURCE
from astakos.http.faults import BadRequest, Fault, NotAllowed
from astakos.http.openapi.description import Parameter
from astakos.http.request import Request
from astakos.ledger.rules import UNLIMITED, Holding, Key, Provision
from astakos.projects.limits import uuid_of_user
from astakos.storage import quotas as stored
from astakos.storage.database import Connection
from astakos.storage.quotas import UserQuota

Document = dict[str, Any]
Figures = dict[str, int]
Quotas = dict[str, dict[str, Figures]]
"""Figures by source and resource."""

GENERATION_NEWEST = "newest"
GENERATION_0_14 = "0.14"


@dataclass(frozen=True, slots=True)
class QuotaFilter:
    """Whose quotas a service asks for, by uuids; None means all."""

    users: list[str] | None
    projects: list[str] | None


@dataclass(frozen=True, slots=True)
class Generation:
    """How one generation reads and answers, where that has changed.

    Attributes:
        wrong_method: the fault for a method that a route does not have, from it and those that it has.
        require_json: refuses a request whose content type is not the right one for a body of JSON.
        form_type: the kind of form to read a body as, from its content type without parameters.
        display_names: those to look up, from the body of a catalogue call; None if null is asked for.
        access: the answer of the tokens call to a user, from that of the newest generation.
        catalog: the service catalogue, from that of the newest generation.
        resources: the answer of the resources call.
        user_quotas: what a user's holdings are, as the user may see them.
        quotas: figures by user, source and resource.
        quota_filter: whose quotas a request of a service asks for.
        system_is_everything: the source `system` is all that a user has, and not their own project alone.
        provisions: those of a pending commission, as they are told.
    """

    wrong_method: Callable[[str, tuple[str, ...]], Fault]
    require_json: Callable[[Request], None]
    form_type: Callable[[str], str]
    display_names: Callable[[object], list[str] | None]
    access: Callable[[Document, User], Document]
    catalog: Callable[[list[Document]], list[Document]]
    resources: Callable[[Iterable[Resource]], dict[str, Document]]
    user_quotas: Callable[[Connection, User], Iterable[UserQuota]]
    quotas: Callable[[Iterable[UserQuota]], dict[str, Quotas]]
    quota_filter: Callable[[Request], QuotaFilter]
    system_is_everything: bool
    provisions: Callable[[Iterable[Provision]], list[Document]]


def _display_names(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequest("displaynames must be a list of user names.")
    return value


def _visible_resources(resources: Iterable[Resource]) -> dict[str, Document]:
    return {
        resource.name: {
            "service": resource.service,
            "description": resource.description,
            "unit": resource.unit,
            "ui_visible": resource.ui_visible,
            "api_visible": resource.api_visible,
        }
        for resource in resources
        if resource.api_visible
    }


def _visible_quotas(connection: Connection, user: User) -> Iterable[UserQuota]:
    return stored.quotas_of_user(connection, user.id)


def _quotas_by_project(quotas: Iterable[UserQuota]) -> dict[str, Quotas]:
    found: dict[str, Quotas] = {}
    for quota in quotas:
        member = quota.member_level
        figures = {"limit": member.limit, "usage": member.usage_max, "pending": member.pending}
        figures |= project_figures(quota.project_level)
        found.setdefault(quota.user, {}).setdefault(quota.project, {})[quota.resource] = figures
    return found


def project_figures(holding: Holding) -> Figures:
    """The figures of a project's own holding, which 0.14 does not have."""
    return {
        "project_limit": holding.limit,
        "project_usage": holding.usage_max,
        "project_pending": holding.pending,
    }


def _several(text: str) -> list[str]:
    return text.split(",")


USER = Parameter("user", "Of these users alone; uuids, with commas between them.", _several)
PROJECT = Parameter("project", "Of these projects alone; uuids, with commas between them.", _several)


def _any_quota_filter(request: Request) -> QuotaFilter:
    return QuotaFilter(USER.of(request), PROJECT.of(request))


def _provisions(provisions: Iterable[Provision]) -> list[Document]:
    return [{**key._asdict(), "quantity": quantity} for key, quantity in provisions]


NEWEST = Generation(
    wrong_method=NotAllowed.method,
    require_json=require_json,
    form_type=form_type_of,
    display_names=_display_names,
    access=lambda access, _: access,
    catalog=lambda catalog: catalog,
    resources=_visible_resources,
    user_quotas=_visible_quotas,
    quotas=_quotas_by_project,
    quota_filter=_any_quota_filter,
    system_is_everything=False,
    provisions=_provisions,
)


def _bad_method(method: str, allowed: tuple[str, ...]) -> Fault:
    return BadRequest(NotAllowed.method(method, allowed).message)


def _any_content_type(_request: Request) -> None:
    """What a body is said to be does not matter, since it is read as JSON."""


def _form_of_any_type(content_type: str) -> str:
    return MULTIPART_TYPE if content_type == MULTIPART_TYPE else FORM_TYPE


def _display_names_or_null(value: object) -> list[str] | None:
    return None if value is None else _display_names(value)


def _older_access(access: Document, user: User) -> Document:
    told = {name: value for name, value in access["user"].items() if name != "projects"}
    told["roles"] = [{**role, "id": int(role["id"])} for role in told["roles"]]
    tenant = {**access["token"]["tenant"], "id": user.uuid}
    return {**access, "token": {**access["token"], "tenant": tenant}, "user": told}


URLS_WITH_SLASH = ("publicURL", "SNF:webloginURL")


def _catalog_with_slashes(catalog: list[Document]) -> list[Document]:
    return [
        {**service, "endpoints": [_with_slashes(endpoint) for endpoint in service["endpoints"]]}
        for service in catalog
    ]


def _with_slashes(endpoint: Mapping[str, Any]) -> Document:
    urls = {name: endpoint[name].rstrip("/") + "/" for name in URLS_WITH_SLASH if endpoint.get(name)}
    return {**endpoint, **urls}


def _all_resources(resources: Iterable[Resource]) -> dict[str, Document]:
    return {
        resource.name: {
            "service": resource.service,
            "description": resource.description,
            "unit": resource.unit,
            # The flag that became two; projects can be granted what is visible to the API.
            "allow_in_projects": resource.api_visible,
        }
        for resource in resources
    }


def _all_quotas(connection: Connection, user: User) -> Iterable[UserQuota]:
    return stored.service_quotas(connection, None, [user.uuid], None)


def _quotas_in_one(quotas: Iterable[UserQuota]) -> dict[str, Quotas]:
    """The limits of all projects are one limit, and so is what is used of them."""
    found: dict[str, Quotas] = {}
    for quota in quotas:
        resources = found.setdefault(quota.user, {}).setdefault(OLD_SYSTEM_SOURCE, {})
        figures = resources.setdefault(quota.resource, {"limit": 0, "usage": 0, "pending": 0})
        member = quota.member_level
        figures["limit"] = min(figures["limit"] + member.limit, UNLIMITED)
        figures["usage"] = min(figures["usage"] + member.usage_max, UNLIMITED)
        figures["pending"] = min(figures["pending"] + member.pending, UNLIMITED)
    return found


def _filter_of_one_user(request: Request) -> QuotaFilter:
    user = request.query.get("user")
    return QuotaFilter(None if user is None else [user], None)


def _provisions_of_users(provisions: Iterable[Provision]) -> list[Document]:
    """Members' charges as those of users on `system`; those of their projects go without saying."""
    listed = list(provisions)
    members = {(key.source, key.resource) for key, _ in listed if key.source is not None}
    told: dict[Key, int] = {}
    for key, quantity in listed:
        if key.source is not None or (key.holder, key.resource) not in members:
            spoken = _older_key(key)
            told[spoken] = told.get(spoken, 0) + quantity
    return _provisions(Provision(*item) for item in told.items())


def _older_key(key: Key) -> Key:
    user = None if key.source is None else uuid_of_user(key.holder)
    return key if user is None else Key(user, OLD_SYSTEM_SOURCE, key.resource)


OLDEST = Generation(
    wrong_method=_bad_method,
    require_json=_any_content_type,
    form_type=_form_of_any_type,
    display_names=_display_names_or_null,
    access=_older_access,
    catalog=_catalog_with_slashes,
    resources=_all_resources,
    user_quotas=_all_quotas,
    quotas=_quotas_in_one,
    quota_filter=_filter_of_one_user,
    system_is_everything=True,
    provisions=_provisions_of_users,
)

GENERATIONS: Mapping[str, Generation] = {GENERATION_NEWEST: NEWEST, GENERATION_0_14: OLDEST}
