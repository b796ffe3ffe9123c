"""Every call of the API as a value: what to send, and how to read the answer. No input or output here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from astakosclient import answers, faults
from astakosclient.errors import AstakosClientException, BadValue
from astakosclient.exchange import Answer, Request

if TYPE_CHECKING:
    from astakosclient.address import Address

T = TypeVar("T")

AUTHENTICATE = "account/v1.0/authenticate"
USER_CATALOGS = "account/v1.0/user_catalogs"
SERVICE_USER_CATALOGS = "account/v1.0/service/user_catalogs"
RESOURCES = "account/v1.0/resources"
QUOTAS = "account/v1.0/quotas"
SERVICE_QUOTAS = "account/v1.0/service_quotas"
SERVICE_PROJECT_QUOTAS = "account/v1.0/service_project_quotas"
COMMISSIONS = "account/v1.0/commissions"
COMMISSIONS_ACTION = COMMISSIONS + "/action"
COMMISSIONS_BULK = COMMISSIONS + "/bulk"
COMMISSIONS_HISTORY = COMMISSIONS + "/history"
RECONCILE = "account/v1.0/reconcile"
FEEDBACK = "account/v1.0/feedback"
TOKENS = "identity/v2.0/tokens"
SERVICES = "ui/get_services"

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
COMMON_HEADERS = (("User-Agent", "astakosclient"), ("Accept", JSON))

LONGEST_KEY = 255
_ILLEGAL_IN_A_HEADER = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
# Made once: json.dumps makes an encoder at each call that does not use its defaults.
_encode_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One call of the API.

    Attributes:
        method, path: the request; the path is percent-encoded and relative to the base URL.
        read: what the caller gets, from an answer that is a success.
        token: whose call it is; None for calls that need no token.
        body, content_type: what to send, if anything.
        idempotency_key: lets a server that knows such keys recognize the same request when it comes again.
        repeatable: whether the server may receive the request twice without harm.
        explain: the exception, from an answer that is no success.
    """

    method: str = "GET"
    path: str = field(repr=False)
    read: Callable[[Answer], T]
    token: str | None = field(default=None, repr=False)
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    idempotency_key: str | None = None
    repeatable: bool = True
    explain: Callable[[Answer, str | None], AstakosClientException] = faults.explain

    def request_to(self, address: Address) -> Request:
        """The request of this call to the service at an address."""
        headers: tuple[tuple[str, str], ...] = COMMON_HEADERS
        if self.token is not None:
            headers += (("X-Auth-Token", header_value(self.token)),)
        if self.content_type:
            headers += (("Content-Type", self.content_type),)
        if self.idempotency_key is not None:
            headers += (("Idempotency-Key", _checked_key(self.idempotency_key)),)
        target = f"{address.prefix}/{self.path}"
        return Request(self.method, address.origin, target, headers, self.body, self.repeatable)


def get_user_info(token: str | None, usage: bool) -> Call[dict[str, Any]]:
    """Who holds this token."""
    path = AUTHENTICATE + "?usage=1" if usage else AUTHENTICATE
    return Call(path=path, token=token, read=answers.mapping)


def get_usernames(token: str | None, uuids: Iterable[str] | None, path: str) -> Call[dict[str, str]]:
    """Names by UUIDs."""
    return _catalog_call(token, path, {"uuids": uuids}, answers.mapping_at("uuid_catalog"))


def get_username(token: str | None, uuid: str, path: str) -> Call[str]:
    """The name of one UUID."""
    uuid = _text("uuid", uuid)
    return _catalog_call(token, path, {"uuids": [uuid]}, answers.user_name_of(uuid))


def get_uuids(token: str | None, display_names: Iterable[str] | None, path: str) -> Call[dict[str, str]]:
    """UUIDs by names."""
    return _catalog_call(
        token, path, {"displaynames": display_names}, answers.mapping_at("displayname_catalog")
    )


def get_uuid(token: str | None, display_name: str, path: str) -> Call[str]:
    """The UUID of one name."""
    display_name = _text("display_name", display_name)
    return _catalog_call(token, path, {"displaynames": [display_name]}, answers.uuid_of(display_name))


def get_services() -> Call[list[dict[str, Any]]]:
    """The registered services."""
    return Call(path=SERVICES, read=answers.sequence)


def get_resources() -> Call[dict[str, Any]]:
    """The resources that quotas can be about."""
    return Call(path=RESOURCES, read=answers.mapping)


def send_feedback(token: str | None, message: str, data: str) -> Call[None]:
    """A message to the operators."""
    form = {"feedback_msg": given("message", message), "feedback_data": given("data", data)}
    return Call(
        method="POST",
        path=FEEDBACK,
        token=token,
        body=_form(form),
        content_type=FORM,
        repeatable=False,
        read=answers.nothing,
    )


def get_endpoints(token: str | None, uuid: str | None) -> Call[dict[str, Any]]:
    """Who holds this token, and the service catalogue."""
    auth: dict[str, Any] = {"token": {"id": token}}
    if uuid is not None:
        auth["tenantName"] = uuid
    return _post(TOKENS, token, {"auth": auth}, answers.mapping, repeatable=True)


def get_quotas(token: str | None) -> Call[dict[str, Any]]:
    """The holder's own quotas."""
    return Call(path=QUOTAS, token=token, read=answers.mapping)


def service_get_quotas(
    token: str | None, user: str | Iterable[str] | None, project: str | Iterable[str] | None
) -> Call[dict[str, Any]]:
    """Users' quotas on the service's resources."""
    path = SERVICE_QUOTAS + _query(user=user, project=project)
    return Call(path=path, token=token, read=answers.mapping)


def service_get_project_quotas(
    token: str | None, project: str | Iterable[str] | None
) -> Call[dict[str, Any]]:
    """Projects' quotas on the service's resources."""
    return Call(path=SERVICE_PROJECT_QUOTAS + _query(project=project), token=token, read=answers.mapping)


def issue_commission(
    token: str | None, request: Any, ttl: int | None = None, idempotency_key: str | None = None
) -> Call[int]:
    """Ask for quantities, as a service."""
    if ttl is not None:
        if not isinstance(request, Mapping):
            raise BadValue(f"the request must be a mapping to take a ttl, not a {type(request).__name__}")
        request = {**request, "ttl": ttl}
    return _post(
        COMMISSIONS,
        token,
        request,
        answers.serial,
        repeatable=False,
        explain=faults.explain_refused_issue,
        idempotency_key=idempotency_key,
    )


def issue_commissions(
    token: str | None,
    requests: Iterable[Mapping[str, Any]],
    all_or_none: bool,
    idempotency_key: str | None,
) -> Call[dict[str, Any]]:
    """Ask for many commissions, as a service."""
    document = {"commissions": list(given("requests", requests)), "all_or_none": all_or_none}
    return _post(
        COMMISSIONS_BULK, token, document, answers.mapping, repeatable=False, idempotency_key=idempotency_key
    )


def issue_one_commission(
    token: str | None,
    holder: str,
    source: str,
    provisions: Mapping[str, int],
    name: str,
    force: bool,
    auto_accept: bool,
    ttl: int | None = None,
    idempotency_key: str | None = None,
) -> Call[int]:
    """Ask for quantities of one holder from one source."""
    holder = given("holder", holder)
    source = given("source", source)
    if not isinstance(given("provisions", provisions), Mapping):
        raise BadValue(f"provisions must map resources to quantities, not be a {type(provisions).__name__}")
    request = {
        "force": force,
        "auto_accept": auto_accept,
        "name": name,
        "provisions": [
            {"holder": holder, "source": source, "resource": resource, "quantity": quantity}
            for resource, quantity in provisions.items()
        ],
    }
    return issue_commission(token, request, ttl, idempotency_key)


def get_pending_commissions(token: str | None) -> Call[list[int]]:
    """The serials of the service's pending commissions."""
    return Call(path=COMMISSIONS, token=token, read=answers.sequence)


def get_commission_info(token: str | None, serial: int) -> Call[dict[str, Any]]:
    """One pending commission."""
    return Call(path=f"{COMMISSIONS}/{_part('serial', serial)}", token=token, read=answers.mapping)


def commission_action(
    token: str | None, serial: int, action: str, quantities: Iterable[Mapping[str, Any]] | None = None
) -> Call[None]:
    """Accept or reject a pending commission; accept it for some quantities, if they are given."""
    path = f"{COMMISSIONS}/{_part('serial', serial)}/action"
    # Done twice, it leaves the same state, but answers 404 the second time: the caller would take an
    # accepted commission for a lost one. So it is not repeated freely.
    value = "" if quantities is None else {"quantities": list(quantities)}
    return _post(path, token, {given("action", action): value}, answers.nothing, repeatable=False)


def resolve_commissions(
    token: str | None, accept_serials: Iterable[int], reject_serials: Iterable[int]
) -> Call[dict[str, Any]]:
    """Accept and reject many pending commissions."""
    request = {
        "accept": given("accept_serials", accept_serials),
        "reject": given("reject_serials", reject_serials),
    }
    # As above: done twice, everything that succeeded would be reported as failed.
    return _post(COMMISSIONS_ACTION, token, request, answers.mapping, repeatable=False)


def get_commission_history(token: str | None, filters: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """What became of commissions."""
    wanted = {name: str(value) for name, value in filters.items() if value is not None}
    path = COMMISSIONS_HISTORY + ("?" + _form(wanted).decode("ascii") if wanted else "")
    return Call(path=path, token=token, read=answers.mapping)


def reconcile(
    token: str | None, usage: Iterable[Mapping[str, Any]], mend: bool, name: str | None
) -> Call[dict[str, Any]]:
    """Hold the ledger against a service's own count."""
    document: dict[str, Any] = {"usage": list(given("usage", usage)), "mend": mend}
    if name is not None:
        document["name"] = name
    return _post(RECONCILE, token, document, answers.mapping, repeatable=not mend)


def given(name: str, value: T | None) -> T:
    """The argument, which must not be None.

    Raises:
        BadValue: it is.
    """
    if value is None:
        raise BadValue(f"{name} must not be None")
    return value


def header_value(token: str) -> str:
    """A token, checked for what no header can carry.

    Raises:
        BadValue: it cannot be sent. The message does not show the token.
    """
    if not isinstance(token, str):
        raise BadValue(f"the token must be a string, not {type(token).__name__}")
    if _ILLEGAL_IN_A_HEADER.search(token):
        raise BadValue(
            "the token contains a character that no HTTP header can carry "
            "(a line break, another control character, or one beyond Latin-1)"
        )
    return token


def _catalog_call(
    token: str | None, path: str, request: dict[str, Any], read: Callable[[Answer], T]
) -> Call[T]:
    return _post(path, token, request, read, repeatable=True)


def _post(
    path: str,
    token: str | None,
    document: Any,
    read: Callable[[Answer], T],
    *,
    repeatable: bool,
    explain: Callable[[Answer, str | None], AstakosClientException] = faults.explain,
    idempotency_key: str | None = None,
) -> Call[T]:
    return Call(
        method="POST",
        path=path,
        token=token,
        body=_json(document),
        content_type=JSON,
        repeatable=repeatable,
        read=read,
        explain=explain,
        idempotency_key=idempotency_key,
    )


def _checked_key(key: str) -> str:
    if (
        not isinstance(key, str)
        or not 1 <= len(key) <= LONGEST_KEY
        or not (key.isascii() and key.isprintable())
    ):
        raise BadValue(f"the idempotency key must be 1 to {LONGEST_KEY} printable ASCII characters")
    return key


def _json(document: Any) -> bytes:
    try:
        return _encode_json(document).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadValue(f"the request cannot be written as JSON: {error}") from None


def _text(name: str, value: str) -> str:
    if not isinstance(given(name, value), str):
        raise BadValue(f"{name} must be a string, not {type(value).__name__}")
    return value


def _part(name: str, value: object) -> str:
    """A value as one part of a path; what would lead to another path is refused."""
    text = str(given(name, value))
    if text in {"", ".", ".."}:
        raise BadValue(f"{name} must not be {text!r}")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise BadValue(f"{name} is not valid text") from None


def _query(**filters: str | Iterable[str] | None) -> str:
    wanted = {name: _joined(name, value) for name, value in filters.items() if value is not None}
    return "?" + _form(wanted).decode("ascii") if wanted else ""


def _joined(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    # Bytes are iterable, but as numbers.
    if isinstance(value, bytes | bytearray) or not isinstance(value, Iterable):
        raise BadValue(f"{name} must be a string or several of them, not {type(value).__name__}")
    # No items at all must not mean all of them: an empty list is sent as an empty value.
    return ",".join(str(item) for item in value)


def _form(fields: dict[str, str]) -> bytes:
    try:
        return urlencode(fields).encode("ascii")
    except UnicodeEncodeError:
        raise BadValue(f"{' or '.join(fields)} is not valid text") from None
