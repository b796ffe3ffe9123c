"""The dialect of the original after 0.20, which is the default."""

from collections.abc import Iterable, Sequence

from astakos.clock import to_iso
from astakos.directory.entities import Resource, User
from astakos.http.bodies import require_json
from astakos.http.dialects.dialect import Dialect, Document, Figures, QuotaFilter, Quotas
from astakos.http.faults import BadRequest, NotAllowed
from astakos.http.forms import form_type_of
from astakos.http.openapi.description import Parameter
from astakos.http.request import Request
from astakos.ledger.grants import NEVER
from astakos.ledger.rules import UNLIMITED, Holding, Provision
from astakos.storage.protocol import Connection
from astakos.storage.tables import quotas as stored
from astakos.storage.tables.grant_figures import ShownGrant
from astakos.storage.tables.metered_figures import Period
from astakos.storage.tables.quotas import UserQuota
from astakosclient.answer_types import Grant


def read_display_names(value: object) -> list[str]:
    """Reads the usernames to look up from the body of a catalog call.

    Raises:
        BadRequest: The value is not a list of strings.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequest("displaynames must be a list of usernames.")
    return value


def _visible_resources(resources: Iterable[Resource]) -> dict[str, Document]:
    return {
        resource.name: {
            "service": resource.service,
            "description": resource.description,
            "unit": resource.unit,
            # Only where it says something: clients of today know nothing of it.
            **({"scale": resource.scale} if resource.scale else {}),
            **({"max_debt": resource.max_debt} if resource.max_debt < UNLIMITED else {}),
            **({"shadow": True} if resource.shadow else {}),
            "ui_visible": resource.ui_visible,
            "api_visible": resource.api_visible,
        }
        for resource in resources
        if resource.api_visible
    }


def _visible_quotas(connection: Connection, user: User, now: int) -> Iterable[UserQuota]:
    return stored.quotas_of_user(connection, user.id, now)


def _quotas_by_project(quotas: Iterable[UserQuota]) -> dict[str, Quotas]:
    found: dict[str, Quotas] = {}
    for quota in quotas:
        member = quota.member_level
        figures: Figures = {"limit": member.limit, "usage": member.usage_max, "pending": member.pending}
        figures |= project_figures(quota.project_level, quota.period)
        if quota.grants or quota.project_grants:
            figures |= told_grants(quota.grants, quota.project_grants)
        found.setdefault(quota.user, {}).setdefault(quota.project, {})[quota.resource] = figures
    return found


def project_figures(holding: Holding, period: Period | None) -> Figures:
    """Returns the figures of a project's own holding, which 0.14 does not have, and the period of a meter."""
    figures: Figures = {
        "project_limit": holding.limit,
        "project_usage": holding.usage_max,
        "project_pending": holding.pending,
    }
    if period is not None:
        figures |= {
            "period": period.words,
            "resets": None if period.resets is None else to_iso(period.resets),
        }
    return figures


def told_grants(grants: Sequence[ShownGrant], project_grants: Sequence[ShownGrant]) -> Figures:
    """Returns the grants of a holding and of its project's, as far as there are some."""
    found = {"grants": grants, "project_grants": project_grants}
    return {name: [told_grant(one) for one in listed] for name, listed in found.items() if listed}


def told_grant(one: ShownGrant) -> Grant:
    """Returns a grant as a document."""
    return {
        "id": one.number,
        "amount": one.amount,
        "left": one.left,
        "starts": to_iso(one.starts),
        "expires": None if one.expires == NEVER else to_iso(one.expires),
        "priority": one.priority,
        "note": one.note,
        "lifts": list(one.lifts),
    }


def _several(text: str) -> list[str]:
    return text.split(",")


USER = Parameter("user", "Only return quotas of these users: UUIDs, separated by commas.", _several)
PROJECT = Parameter("project", "Only return quotas of these projects: UUIDs, separated by commas.", _several)


def _any_quota_filter(request: Request) -> QuotaFilter:
    return QuotaFilter(USER.of(request), PROJECT.of(request))


def told_provisions(provisions: Iterable[Provision]) -> list[Document]:
    """Returns the provisions of a pending commission as a document."""
    return [{**key._asdict(), "quantity": quantity} for key, quantity in provisions]


NEWEST = Dialect(
    wrong_method=NotAllowed.method,
    require_json=require_json,
    form_type=form_type_of,
    display_names=read_display_names,
    access=lambda access, _: access,
    catalog=lambda catalog: catalog,
    resources=_visible_resources,
    user_quotas=_visible_quotas,
    quotas=_quotas_by_project,
    quota_filter=_any_quota_filter,
    system_is_everything=False,
    provisions=told_provisions,
)
