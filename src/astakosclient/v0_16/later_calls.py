"""Builds the calls of the 0.16 to 0.21 API that 0.14 does not have, or has in another form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from astakosclient.calls import answers, commissions, faults
from astakosclient.calls.account import TOKENS
from astakosclient.calls.call import FORM, JSON, Call, form, given, path_part, query
from astakosclient.calls.standard_tokens import ClientCredentials
from astakosclient.errors import AstakosClientException, BadValue

if TYPE_CHECKING:
    from astakosclient.answer_types import Catalog, OAuth2Token, Validation
    from astakosclient.core.exchange import Answer

ACCOUNT = "account/v1.0"
IDENTITY = "identity/v2.0"
UI = "ui"
OAUTH2 = "oauth2"
OAUTH2_TOKEN = f"{OAUTH2}/token"

Provision = dict[str, Any]


def get_catalog(token: str) -> Call[Catalog]:
    """Builds the call that returns the service catalog only."""
    return Call(
        name="get_endpoints",
        method="POST",
        path=TOKENS,
        token=token,
        content_type=JSON,
        read=answers.mapping,
        explain=_explain_missing_catalog,
    )


def _explain_missing_catalog(answer: Answer) -> AstakosClientException:
    """Every call of a client begins with the catalog, so that this is what a wrong URL ends in."""
    error = faults.explain(answer)
    if answer.status in {400, 404, 405} and error.said != faults.SPEAKS_HTTPS:
        error.said = (
            "no service catalog is there: check auth_url, the URL of the identity service, such as "
            "https://accounts.example.com/identity/v2.0"
        )
    return error


def validate_token(token: str, token_id: str, belongs_to: str | None) -> Call[Validation]:
    """Builds the call that validates an OAuth2 access token."""
    path = f"{TOKENS}/{path_part('token_id', token_id)}"
    if belongs_to is not None:
        path += query(belongsTo=belongs_to)
    return Call(name="validate_token", path=path, token=token, read=answers.mapping, secrets=(str(token_id),))


def get_token(
    token: str, grant_type: str, client_id: str, client_secret: str, body_params: Mapping[str, Any]
) -> Call[OAuth2Token]:
    """Builds the call that exchanges an OAuth2 code for an access token.

    Raises:
        BadValue: an argument is None or cannot be encoded as UTF-8.
    """
    fields = {"grant_type": given("grant_type", grant_type)}
    fields.update({name: str(value) for name, value in body_params.items() if value is not None})
    encoded = ClientCredentials(client_id, client_secret).encoded
    return Call(
        name="get_token",
        method="POST",
        path=OAUTH2_TOKEN,
        token=token,
        headers=(("Authorization", f"Basic {encoded}"),),
        secrets=(str(client_secret), encoded, fields.get("code", "")),
        body=form(fields),
        content_type=FORM,
        repeatable=False,  # a code is valid for one use
        read=answers.mapping,
        explain=faults.explain_oauth2,
    )


def issue_one_commission(
    token: str,
    holder: str,
    provisions: Mapping[tuple[str, str], int],
    name: str = "",
    force: bool = False,
    auto_accept: bool = False,
    *,
    ttl: int | None = None,
    idempotency_key: str | None = None,
) -> Call[int]:
    """Builds the call that charges a user and the source projects.

    Raises:
        BadValue: an argument is None, or ``provisions`` is malformed.
    """
    holder = given("holder", holder)
    charged = [
        provision
        for (source, resource), quantity in _charges(("source", "resource"), given("provisions", provisions))
        for provision in mk_provisions(holder, source, resource, quantity)
    ]
    return _issue(token, charged, name, force, auto_accept, ttl, idempotency_key)


def issue_one_commission_of_0_15(
    token: str,
    holder: str,
    source: str,
    provisions: Mapping[str, int],
    name: str = "",
    force: bool = False,
    auto_accept: bool = False,
    *,
    ttl: int | None = None,
    idempotency_key: str | None = None,
) -> Call[int]:
    """Builds the call in its 0.15 form, which issues the provisions exactly as given."""
    return commissions.issue_one_commission(
        token, holder, source, provisions, name, force, auto_accept, ttl, idempotency_key
    )


def issue_commission_generic(
    token: str,
    user_provisions: Mapping[tuple[str, str, str], int],
    project_provisions: Mapping[tuple[str, str], int],
    name: str,
    force: bool,
    auto_accept: bool,
    ttl: int | None,
    idempotency_key: str | None,
) -> Call[int]:
    """Builds the call that charges users and projects independently.

    Raises:
        BadValue: an argument is None, or the provisions are malformed.
    """
    users = _charges(("user", "project", "resource"), given("user_provisions", user_provisions))
    projects = _charges(("project", "resource"), given("project_provisions", project_provisions))
    charged = [
        _user_provision(user, project, resource, quantity) for (user, project, resource), quantity in users
    ]
    charged += [_project_provision(project, resource, quantity) for (project, resource), quantity in projects]
    return _issue(token, charged, name, force, auto_accept, ttl, idempotency_key)


def issue_resource_reassignment(
    token: str,
    holder: str,
    provisions: Mapping[tuple[str, str, str], int],
    name: str,
    force: bool,
    auto_accept: bool,
    ttl: int | None,
    idempotency_key: str | None,
) -> Call[int]:
    """Builds the call that moves a user's charges from one project to another.

    Raises:
        BadValue: an argument is None, or ``provisions`` is malformed.
    """
    holder = given("holder", holder)
    parts = ("from_project", "to_project", "resource")
    charged: list[Provision] = []
    for (origin, target, resource), quantity in _charges(parts, given("provisions", provisions)):
        charged += mk_provisions(holder, origin, resource, _negative(quantity))
        charged += mk_provisions(holder, target, resource, quantity)
    return _issue(token, charged, name, force, auto_accept, ttl, idempotency_key)


def mk_provisions(holder: str, source: str, resource: str, quantity: int) -> list[Provision]:
    """Returns two provisions: the user's charge on a project, and the project's own charge.

    Raises:
        BadValue: a name is not a string.
    """
    return [
        _user_provision(holder, source, resource, quantity),
        _project_provision(source, resource, quantity),
    ]


def _issue(
    token: str,
    provisions: list[Provision],
    name: str,
    force: bool,
    auto_accept: bool,
    ttl: int | None,
    idempotency_key: str | None,
) -> Call[int]:
    request = {"name": name, "force": force, "auto_accept": auto_accept, "provisions": provisions}
    return commissions.issue_commission(token, request, ttl, idempotency_key)


def _charges(parts: tuple[str, ...], provisions: Mapping[Any, int]) -> Iterable[tuple[tuple[str, ...], int]]:
    """Yields the items of a mapping whose keys must be tuples with the named parts."""
    wanted = f"({', '.join(parts)})"
    if not isinstance(provisions, Mapping):
        raise BadValue(f"provisions must map {wanted} to quantities, not be a {type(provisions).__name__}")
    for key, quantity in provisions.items():
        if not isinstance(key, tuple) or len(key) != len(parts):
            raise BadValue(f"each key of provisions must be a tuple {wanted}, not {key!r}")
        yield key, quantity


def _user_provision(user: str, project: str, resource: str, quantity: int) -> Provision:
    return {
        "holder": "user:" + _text("the holder", user),
        "source": "project:" + _text("the project", project),
        "resource": _text("the resource", resource),
        "quantity": quantity,
    }


def _project_provision(project: str, resource: str, quantity: int) -> Provision:
    return {
        "holder": "project:" + _text("the project", project),
        "source": None,
        "resource": _text("the resource", resource),
        "quantity": quantity,
    }


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadValue(f"{name} of a provision must be a string, not {value!r}")
    return value


def _negative(quantity: object) -> int:
    if not isinstance(quantity, int):
        raise BadValue(f"the quantity of a provision must be an integer, not {quantity!r}")
    return -quantity
