"""Builds the calls about users, services, resources and quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astakosclient.calls import answers
from astakosclient.calls.call import (
    FORM,
    MAKE_ONCE,
    Call,
    Parts,
    form,
    given,
    header_value,
    is_header,
    key_or_new,
    post,
    query,
    text,
    texts,
)
from astakosclient.calls.keys import prefix_of_key
from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from astakosclient.answer_types import (
        Endpoints,
        OwnGrant,
        Period,
        Quotas,
        RecentRefusal,
        Resource,
        Service,
        ServiceProjectQuotas,
        ServiceQuotas,
        UserInfo,
    )

AUTHENTICATE = "account/v1.0/authenticate"
USER_CATALOGS = "account/v1.0/user_catalogs"
SERVICE_USER_CATALOGS = "account/v1.0/service/user_catalogs"
RESOURCES = "account/v1.0/resources"
QUOTAS = "account/v1.0/quotas"
SERVICE_QUOTAS = "account/v1.0/service_quotas"
SERVICE_PROJECT_QUOTAS = "account/v1.0/service_project_quotas"
FEEDBACK = "account/v1.0/feedback"
TOKENS = "identity/v2.0/tokens"
SERVICE_HEADER = "Astakos-Service"
SERVICES = "ui/get_services"

LARGEST_LOOKUP = 5_000
"""Maximum number of users per lookup request; a request body of this size is about 200 kB."""


def get_user_info(token: str | None, usage: bool, service: str | None) -> Call[UserInfo]:
    """Builds the call that returns the holder of a token."""
    path = AUTHENTICATE + "?usage=1" if usage else AUTHENTICATE
    named = _named(service)
    return Call(name="get_user_info", path=path, token=token, headers=named, read=answers.mapping)


def _named(service: str | None) -> tuple[tuple[str, str], ...]:
    """Returns the header that names the service that asks.

    Raises:
        BadValue: the name cannot be sent in a header.
    """
    if service is None:
        return ()
    if not is_header(SERVICE_HEADER, service):
        raise BadValue("service must be the name of a service, in characters that a header can have")
    return ((SERVICE_HEADER, service),)


def get_usernames(
    token: str | None, uuids: Iterable[str] | None, path: str
) -> Call[dict[str, str]] | Parts[dict[str, str]]:
    """Builds the call that maps UUIDs to user names; splits a list longer than `LARGEST_LOOKUP`.

    Raises:
        BadValue: ``uuids`` is neither None nor an iterable of strings.
    """

    def part(some: Sequence[str] | None) -> Call[dict[str, str]]:
        read = answers.mapping_at("uuid_catalog")
        return post("get_usernames", path, token, {"uuids": some}, read, repeatable=True)

    return part(None) if uuids is None else _in_parts(part, texts("uuids", uuids))


def get_username(token: str | None, uuid: str, path: str) -> Call[str]:
    """Builds the call that returns the user name for one UUID."""
    uuid = text("uuid", uuid)
    return post("get_username", path, token, {"uuids": [uuid]}, answers.user_name_of(uuid), repeatable=True)


def get_uuids(
    token: str | None, display_names: Iterable[str] | None, path: str
) -> Call[dict[str, str]] | Parts[dict[str, str]]:
    """Builds the call that maps user names to UUIDs; splits a list longer than `LARGEST_LOOKUP`.

    Raises:
        BadValue: ``display_names`` is neither None nor an iterable of strings.
    """

    def part(some: Sequence[str] | None) -> Call[dict[str, str]]:
        read = answers.uuids_of(some or ())
        return post("get_uuids", path, token, {"displaynames": some}, read, repeatable=True)

    return part(None) if display_names is None else _in_parts(part, texts("display_names", display_names))


def get_uuid(token: str | None, display_name: str, path: str) -> Call[str]:
    """Builds the call that returns the UUID for one user name."""
    name = text("display_name", display_name)
    return post("get_uuid", path, token, {"displaynames": [name]}, answers.uuid_of(name), repeatable=True)


def _in_parts(
    part: Callable[[Sequence[str]], Call[dict[str, str]]], wanted: Sequence[str]
) -> Call[dict[str, str]] | Parts[dict[str, str]]:
    if len(wanted) <= LARGEST_LOOKUP:
        return part(wanted)
    starts = range(0, len(wanted), LARGEST_LOOKUP)
    return Parts([part(wanted[start : start + LARGEST_LOOKUP]) for start in starts], _merged)


def _merged(catalogs: Sequence[dict[str, str]]) -> dict[str, str]:
    return {key: value for catalog in catalogs for key, value in catalog.items()}


def get_services() -> Call[list[Service]]:
    """Builds the call that lists the registered services."""
    return Call(name="get_services", path=SERVICES, read=answers.sequence)


def get_resources() -> Call[dict[str, Resource]]:
    """Builds the call that lists the resources."""
    return Call(name="get_resources", path=RESOURCES, read=answers.mapping)


def send_feedback(
    token: str | None, message: str, data: str | Mapping[str, Any], idempotency_key: str | None
) -> Call[None]:
    """Builds the call that sends feedback to the operators."""
    fields = {"feedback_msg": given("message", message), "feedback_data": given("data", data)}
    return Call(
        name="send_feedback",
        method="POST",
        path=FEEDBACK,
        token=token,
        body=form(fields),
        content_type=FORM,
        repeatable=False,
        repeatable_with=MAKE_ONCE,
        idempotency_key=key_or_new(idempotency_key),
        read=answers.nothing,
    )


def get_endpoints(token: str | None, uuid: str | None, service: str | None = None) -> Call[Endpoints]:
    """Builds the call that returns the holder of a token and the service catalog."""
    auth: dict[str, Any] = {"token": {"id": None if token is None else header_value(token)}}
    if uuid is not None:
        auth["tenantName"] = text("uuid", uuid)
    return post(
        "get_endpoints",
        TOKENS,
        token,
        {"auth": auth},
        answers.mapping,
        repeatable=True,
        headers=_named(service),
    )


def get_periods(
    token: str | None, resource: str, key: str | None, before: str | None, limit: int | None
) -> Call[list[Period]]:
    """Builds the call that lists what the token's holder, or a key, used of a budget, period by period."""
    number = None if limit is None else str(limit)
    asked = query(
        resource=given("resource", resource), key=prefix_of_key("key", key), before=before, limit=number
    )
    path = f"{QUOTAS}/periods{asked}"
    return Call(name="get_periods", path=path, token=token, read=answers.sequence)


def get_grants(token: str | None, before: int | None, limit: int | None) -> Call[list[OwnGrant]]:
    """What the user was given besides the limits of periods."""
    first, number = (None if value is None else str(value) for value in (before, limit))
    path = f"{QUOTAS}/grants" + query(before=first, limit=number)
    return Call(name="get_grants", path=path, token=token, read=answers.sequence)


def get_refusals(token: str | None, limit: int | None) -> Call[list[RecentRefusal]]:
    """Builds the call that lists what was refused to the token's holder lately."""
    path = f"{QUOTAS}/refusals" + query(limit=None if limit is None else str(limit))
    return Call(name="get_refusals", path=path, token=token, read=answers.sequence)


def service_get_refusals(
    token: str | None, user: str | Iterable[str] | None, limit: int | None
) -> Call[list[RecentRefusal]]:
    """Builds the call that lists what was refused lately of the service's resources."""
    path = f"{SERVICE_QUOTAS}/refusals" + query(user=user, limit=None if limit is None else str(limit))
    return Call(name="service_get_refusals", path=path, token=token, read=answers.sequence)


def get_quotas(token: str | None) -> Call[Quotas]:
    """Builds the call that returns the token holder's quotas."""
    return Call(name="get_quotas", path=QUOTAS, token=token, read=answers.mapping)


def service_get_quotas(
    token: str | None, user: str | Iterable[str] | None, project: str | Iterable[str] | None
) -> Call[ServiceQuotas]:
    """Builds the call that returns users' quotas for the service's resources."""
    path = SERVICE_QUOTAS + query(user=user, project=project)
    return Call(name="service_get_quotas", path=path, token=token, read=answers.mapping)


def service_get_project_quotas(
    token: str | None, project: str | Iterable[str] | None
) -> Call[ServiceProjectQuotas]:
    """Builds the call that returns projects' quotas for the service's resources."""
    path = SERVICE_PROJECT_QUOTAS + query(project=project)
    return Call(name="service_get_project_quotas", path=path, token=token, read=answers.mapping)
