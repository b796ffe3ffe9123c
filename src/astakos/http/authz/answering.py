"""`authz/<service>/…`: whether a proxy may pass a request on, and for whom.

The form is that of Envoy's HTTP `ext_authz`, nginx's `auth_request` and Traefik's `forwardAuth`: the request
without its body, with any method, and any path behind the service. 2xx lets it through.
"""

from typing import Final, NamedTuple
from urllib.parse import quote

from astakos.clock import MICROSECONDS
from astakos.directory.api_keys import is_key, refuse_address, refuse_services
from astakos.directory.eligibility import refuse_component
from astakos.directory.entities import Component, User
from astakos.directory.tokens import token_hash
from astakos.http.access_tokens import covers_service, find_grant
from astakos.http.authentication import user_of_token
from astakos.http.authz.question import CHARGE, PARAMETERS, RESOURCES, Question, question_of
from astakos.http.commissions.charging_rights import not_chargeable
from astakos.http.commissions.project_obstacles import obstacle_of
from astakos.http.commissions.refused_issues import (
    RATE_LIMIT,
    RATE_LIMIT_POLICY,
    Obstacle,
    refused,
    told_meter,
)
from astakos.http.commissions.requested_provisions import (
    OLD_SYSTEM_SOURCE,
    Requested,
    RequestedProvision,
    understand,
)
from astakos.http.faults import (
    BadRequest,
    Forbidden,
    ItemNotFound,
    ScopeTooSmall,
    TokenMissing,
    TwoTokens,
    Unauthorized,
)
from astakos.http.forwarding import caller_address
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.key_levels import key_holder
from astakos.ledger.operations import Issue, Issued
from astakos.ledger.rules import IsMeter, NoCapacity, NoHolding, merge
from astakos.service.admission import current_caller
from astakos.service.service import Service
from astakos.storage.tables import projects

USER, USERNAME, KEY = "X-Astakos-User", "X-Astakos-Username", "X-Astakos-Key"
GROUPS, PROJECT, CLIENT = "X-Astakos-Groups", "X-Astakos-Project", "X-Astakos-Client"
REFUSED: Final = "X-Astakos-Refused"
"""Names the limit without room. It tells such a 403 from others."""
IDENTITY_HEADERS: Final = (USER, USERNAME, KEY, GROUPS, PROJECT, CLIENT)
SAFE_IN_HEADERS: Final = "@+!$&'()*/:;=?[]^`{|}~ "
"""Characters that are not percent-encoded. `%` is, and so is the comma that separates groups."""


class Caller(NamedTuple):
    """Who has sent a request to the proxy.

    Attributes:
        user: The user.
        groups: The names of the user's groups; none for an access token, which tells nothing of them.
        client: The identifier of the OAuth2 client that acts for the user; "" if none does.
    """

    user: User
    groups: tuple[str, ...]
    client: str = ""


@described(
    "authz.authorize",
    tokens=["user"],
    parameters=PARAMETERS,
    answers={
        200: Reply(media_types=(), headers=[*IDENTITY_HEADERS, REFUSED]),
        429: Reply(
            dict[str, dict[str, str | int]], headers=[REFUSED, "Retry-After", RATE_LIMIT, RATE_LIMIT_POLICY]
        ),
    },
    faults=[Forbidden, ItemNotFound],
)
async def authorize(service: Service, request: Request) -> Answer:
    """Tells a proxy whether it may pass a request on, with its user in headers.

    Any method and any path behind the service are the same. The request carries the token or key of its user,
    or an OAuth2 access token, whose scope must cover a public URL of the service.
    The parameters are headers that the proxy sets; they can also be in the query.
    """
    name = request.parameter.partition("/")[0]
    question = question_of(request)
    component = await service.component_of_service(name)
    if component is None:
        raise ItemNotFound(
            f"There is no service {name}. Name one of the service catalog in the path: authz/<service>."
        )
    caller = await _caller(service, request, name)
    user = caller.user
    for wanted in question.groups:
        if not set(wanted).intersection(caller.groups):
            raise Forbidden(f"This is for members of {' or '.join(wanted)}.")
    project = await _project(service, user, question)
    if question.resources:
        refusal = await _refusal(service, component, user, project, question)
        if refusal is not None:
            return refusal
    return Answer(headers=_identity(caller, project))


async def _caller(service: Service, request: Request, name: str) -> Caller:
    try:
        token = request.header_token
    except TwoTokens as fault:
        # Not 400: nginx passes no other refusal of a client on than 401 and 403.
        raise Unauthorized(fault.message, fault.headers) from fault
    if not token:
        raise TokenMissing
    # In this order, because access tokens are in no cache.
    if await service.user_of_token(token) is None and not is_key(token):
        grant = await find_grant(service, token)
        if grant is not None:
            if not await covers_service(service, grant.token.scope, name):
                raise ScopeTooSmall(f"The scope of the access token does not cover the service {name}.")
            current_caller.set(("user", grant.user.id))
            return Caller(grant.user, (), grant.token.client)
    user = await user_of_token(service, token)
    if user.key is not None:
        refusal = refuse_services(user.key, {name}) or refuse_address(
            user.key, caller_address(service.proxies, request)
        )
        if refusal is not None:
            raise Unauthorized(refusal)
        service.key_uses.note(user.key.prefix)
    return Caller(user, await service.groups_of(user))


async def _project(service: Service, user: User, question: Question) -> str:
    own = None if user.key is None else user.key.project
    if own is not None and question.project not in (None, own):
        raise Forbidden("The key is for another project.")
    # The ledger says it of resources, and in their words.
    if question.project is not None and not question.resources:
        drawable = {OLD_SYSTEM_SOURCE, *await service.read(projects.active_projects_of, user.id)}
        if question.project not in drawable:
            raise Forbidden(f"The user cannot draw from the project {question.project}.")
    return own or question.project or user.default_project or user.uuid


async def _refusal(
    service: Service, component: int, user: User, project: str, question: Question
) -> Answer | None:
    """Asks the ledger for room, or charges; returns the answer if it refuses."""
    known = {resource.name for resource in await service.resources()}
    for resource in question.resources:
        if resource not in known:
            raise BadRequest(f"{RESOURCES.name}: there is no resource {resource!r}.")
    entries = [RequestedProvision(user.uuid, project, resource, 1) for resource in question.resources]
    requested = understand(entries)
    if not isinstance(requested, Requested) or not requested.spoken:
        raise Forbidden(f"There is no project {project}.")
    if question.charge is not None:
        charging = await _charging_component(service, question.charge)
        fault = (await not_chargeable(service, charging, [requested])).refusal(requested)
        if isinstance(fault, Forbidden):
            raise BadRequest(fault.message)
        component = charging.id
    is_question = question.charge is None
    outcome = await service.ledger.submit(
        Issue(
            component=component,
            provisions=tuple(merge(requested.provisions)),
            name="" if is_question else "authz",
            auto_accept=not is_question,
            is_question=is_question,
            key_holder=None if user.key is None else key_holder(user.key.prefix),
        )
    )
    match outcome:
        case Issued():
            return None
        case NoCapacity():
            obstacle = await obstacle_of(service, outcome)
            return _no_room(outcome, requested, question.no_room, obstacle)
        case NoHolding(provision=provision):
            raise Forbidden(f"The user cannot draw {provision.key.resource} from the project {project}.")
        case IsMeter():
            raise BadRequest(told_meter(outcome))
    raise BadRequest(f"1 of {', '.join(question.resources)} cannot be charged.")


async def _charging_component(service: Service, token: str) -> Component:
    component = await service.component_of_token(token_hash(token))
    if component is None or refuse_component(component, service.now()) is not None:
        raise BadRequest(f"{CHARGE.name} must be the token of a component.")
    return component


def _no_room(refusal: NoCapacity, requested: Requested, status: int, obstacle: Obstacle) -> Answer:
    result = refused(refusal, requested, obstacle=obstacle)
    (told,) = result.document.values()
    name = "overLimit" if status == 429 else Forbidden.name
    document = {name: {"code": status, "message": told["message"], "details": ""}}
    headers = {**result.headers, REFUSED: quote(refusal.provision.key.resource, SAFE_IN_HEADERS)}
    if refusal.renewal is not None and refusal.renewal.wait is not None:
        headers["Retry-After"] = str(max(1, -(-refusal.renewal.wait // MICROSECONDS)))
    return Answer(status, to_json(document), headers=headers)


def _identity(caller: Caller, project: str) -> dict[str, str]:
    """Returns all of the headers, also those without a value: they replace what the client has sent."""
    user = caller.user
    return {
        USER: user.uuid,
        USERNAME: quote(user.username, SAFE_IN_HEADERS),
        KEY: "" if user.key is None else user.key.prefix,
        GROUPS: ",".join(quote(group, SAFE_IN_HEADERS) for group in caller.groups),
        PROJECT: quote(project, SAFE_IN_HEADERS),
        CLIENT: quote(caller.client, SAFE_IN_HEADERS),
        REFUSED: "",
    }
