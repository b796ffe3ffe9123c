"""The dialect of 0.14 (`http-api.md` §12), for clients, scripts, and services of that generation."""

from collections.abc import Iterable, Mapping
from typing import Any

from astakos.directory.entities import Resource, User
from astakos.http.commissions.requested_provisions import OLD_SYSTEM_SOURCE
from astakos.http.dialects.dialect import Dialect, Document, QuotaFilter, Quotas
from astakos.http.dialects.newest import read_display_names, told_provisions
from astakos.http.faults import BadRequest, Fault, NotAllowed
from astakos.http.media_types import FORM_TYPE, MULTIPART_TYPE
from astakos.http.request import Request
from astakos.ledger.rules import UNLIMITED, Key, Provision
from astakos.projects.limits import uuid_of_user
from astakos.storage.protocol import Connection
from astakos.storage.tables import quotas as stored
from astakos.storage.tables.quotas import UserQuota


def _bad_method(method: str, allowed: tuple[str, ...]) -> Fault:
    return BadRequest(NotAllowed.method(method, allowed).message)


def _any_content_type(_request: Request) -> None:
    """Accepts any content type: 0.14 parses every body as JSON."""


def _form_of_any_type(content_type: str) -> str:
    return MULTIPART_TYPE if content_type == MULTIPART_TYPE else FORM_TYPE


def _display_names_or_null(value: object) -> list[str] | None:
    return None if value is None else read_display_names(value)


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
            # Later generations split this flag in two. Projects can be granted what the API shows.
            "allow_in_projects": resource.api_visible,
        }
        for resource in resources
    }


def _all_quotas(connection: Connection, user: User, now: int) -> Iterable[UserQuota]:
    return stored.service_quotas(connection, None, [user.uuid], None, now)


def _quotas_in_one(quotas: Iterable[UserQuota]) -> dict[str, Quotas]:
    """Adds up the figures of all projects under the source `system`."""
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
    """Returns members' charges as charges of users on `system`, without those of their projects."""
    listed = list(provisions)
    members = {(key.source, key.resource) for key, _ in listed if key.source is not None}
    told: dict[Key, int] = {}
    for key, quantity in listed:
        if key.source is not None or (key.holder, key.resource) not in members:
            spoken = _older_key(key)
            told[spoken] = told.get(spoken, 0) + quantity
    return told_provisions(Provision(*item) for item in told.items())


def _older_key(key: Key) -> Key:
    user = None if key.source is None else uuid_of_user(key.holder)
    return key if user is None else Key(user, OLD_SYSTEM_SOURCE, key.resource)


V0_14 = Dialect(
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
