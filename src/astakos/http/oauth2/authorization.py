"""`oauth2/auth`: a user authorizes a client, which gets a code (`identity-and-projects.md` §7.1)."""

import os
from collections.abc import Mapping
from typing import NamedTuple, NotRequired, TypedDict
from urllib.parse import urlencode

from astakos.directory import oauth2_rules as rules
from astakos.directory.oauth2_rules import CODE_LIFETIME, PUBLIC, new_code, with_parameters
from astakos.directory.redirects import LONGEST_CARRIED, can_be_carried
from astakos.directory.tokens import token_hash
from astakos.http.bodies import require_storable
from astakos.http.faults import BadRequest, Forbidden, TooManyAttempts
from astakos.http.forms import FormBody, read_form
from astakos.http.media_types import JSON_TYPE
from astakos.http.oauth2.client_credentials import (
    as_json,
    basic_credentials,
    default_redirect_uri,
    find_client,
    require_secret,
    secrets_for,
)
from astakos.http.openapi.description import ELSEWHERE, PAGE, Parameter, Reply, as_text, described
from astakos.http.pages.refusals import wants_page
from astakos.http.pages.visits import OWN_FORMS, form_source, visit_of
from astakos.http.request import Answer, Request
from astakos.http.web.browser_sessions import (
    Login,
    address_of,
    login_address,
    login_of,
    require_own_form,
    terms_address,
)
from astakos.http.web.redirects import redirect, redirect_within
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import oauth2
from astakos.storage.tables.oauth2 import Client, Code
from astakos.storage.tables.proofs import find_origin

PARAMETERS: Mapping[str, str] = {
    "response_type": "Must be `code`.",
    "client_id": "The identifier of the client.",
    "redirect_uri": "The URL that receives the code. Defaults to the first one registered for the client.",
    "scope": "The prefix of the URLs that the access token is for. Defaults to the redirect URI.",
    "state": "Returned unchanged with the code.",
    "code_challenge": "The hash of the verifier that the client sends when it exchanges the code (PKCE).",
    "code_challenge_method": "Must be `S256`.",
}
CARRIED_BACK = frozenset({"redirect_uri", "state"})
"""What the redirect to the client consists of."""
SCOPE = "scope"
DECISION = "decision"
DENY = "deny"


class Wish(NamedTuple):
    """What a client requests, validated."""

    client: Client
    redirect_uri: str
    scope: str
    state: str | None
    challenge: str | None


class Asked(TypedDict):
    """The request of an untrusted client. To decide, send back the value of the X-CSRF-Token header."""

    client: str
    redirect_uri: str
    scope: str
    state: str | None


class Consent(TypedDict):
    """The parameters of the request, and the decision of the user."""

    response_type: NotRequired[str]
    client_id: NotRequired[str]
    redirect_uri: NotRequired[str]
    scope: NotRequired[str]
    state: NotRequired[str]
    code_challenge: NotRequired[str]
    code_challenge_method: NotRequired[str]
    decision: NotRequired[str]
    csrf_token: NotRequired[str]


@described(
    "oauth2_auth.auth",
    body=FormBody(Consent),
    parameters=[Parameter(name, meaning, as_text) for name, meaning in PARAMETERS.items()],
    answers={200: [Reply(Asked, [JSON_TYPE]), PAGE], 302: ELSEWHERE},
    faults=[BadRequest, Forbidden, TooManyAttempts],
)
async def auth(service: Service, request: Request) -> Answer:
    """Issues an authorization code to a client. Asks the user for consent unless the client is trusted."""
    form: Mapping[str, str] = await read_form(request) if request.method == "POST" else {}
    given = form if request.method == "POST" else request.query
    wish = await _wish(service, request, given)
    login = await login_of(service, request)
    here = _address(service, request, given)
    if login is None:
        return redirect_within(service, login_address(service, here))
    if not login.user.has_signed_terms:
        return redirect_within(service, terms_address(service, here))
    if request.method == "POST":
        require_own_form(service, request, form, login)
        if form.get(DECISION) == DENY:
            return _back(service, wish, ("error", "access_denied"))
    elif not wish.client.trusted:
        return await _description(service, request, wish, login, given)
    code = await _issue_code(service, wish, login)
    return (
        redirect_within(service, login_address(service, here))
        if code is None
        else _back(service, wish, ("code", code))
    )


async def _wish(service: Service, request: Request, given: Mapping[str, str]) -> Wish:
    for name, value in given.items():
        require_storable(name, value)
        if name in CARRIED_BACK and not can_be_carried(value):
            raise BadRequest(
                f"{name} is too long. Send at most {LONGEST_CARRIED} characters, as it is in a query."
            )
    if len(given.get(SCOPE, "")) > LONGEST_CARRIED:
        raise BadRequest(f"{SCOPE} is too long. Send at most {LONGEST_CARRIED} characters.")
    if given.get("response_type") != "code":
        raise BadRequest("response_type must be code.")
    client = await _client(service, request, given.get("client_id", ""))
    redirect_uri = given.get("redirect_uri") or default_redirect_uri(client)
    challenge = given.get("code_challenge", "")
    required = client.type == PUBLIC
    refusal = rules.refuse_redirect_uri(redirect_uri, client.redirect_urls) or rules.refuse_challenge(
        challenge, given.get("code_challenge_method", ""), required=required
    )
    if refusal is not None:
        raise BadRequest(refusal)
    scope = rules.scope_of(given.get(SCOPE, ""), redirect_uri)
    return Wish(client, redirect_uri, scope, given.get("state"), challenge or None)


async def _client(service: Service, request: Request, identifier: str) -> Client:
    credentials = basic_credentials(request)
    if not credentials:
        return await find_client(service, identifier)
    secrets = secrets_for(credentials, identifier)
    found = await service.read(oauth2.find_client, identifier)
    return await require_secret(service, request, identifier, found, secrets)


def _address(service: Service, request: Request, given: Mapping[str, str]) -> str:
    """Returns the URL to come back to after a login, with the same parameters."""
    if request.method != "POST":
        return address_of(service, request)
    return f"{service.base_url}{request.path}?{urlencode(_parameters(given))}"


def _parameters(given: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, given[name]) for name in PARAMETERS if name in given]


async def _description(
    service: Service, request: Request, wish: Wish, login: Login, given: Mapping[str, str]
) -> Answer:
    """Describes the request: as a page for people, as a document for programs."""
    if wants_page(request):
        return await _page(service, request, wish, login, given)
    document = {
        "client": wish.client.identifier,
        "redirect_uri": wish.redirect_uri,
        "scope": wish.scope,
        "state": wish.state,
    }
    return as_json(document, headers={"X-CSRF-Token": login.proof, "Vary": "Cookie, Accept"})


async def _page(
    service: Service, request: Request, wish: Wish, login: Login, given: Mapping[str, str]
) -> Answer:
    visit = await visit_of(service, request, login)
    return visit.page(
        "consent.html",
        client=wish.client.name or wish.client.identifier,
        scope=wish.scope,
        redirect_uri=wish.redirect_uri,
        sent=dict(_parameters(given)),
        decision=(DECISION, DENY),
        forms_may_lead_to=(*OWN_FORMS, form_source(wish.redirect_uri)),
    )


async def _issue_code(service: Service, wish: Wish, login: Login) -> str | None:
    """Returns a new code, or None if the session has just ended."""
    secret = new_code(os.urandom)
    now = service.now()

    def store(connection: Connection) -> bool:
        origin = find_origin(connection, login.user.id, login.proven)
        if origin is None or origin.session is None:
            return False
        code = Code(
            code_hash=token_hash(secret),
            client=wish.client.identifier,
            user=login.user.uuid,
            redirect_uri=wish.redirect_uri,
            scope=wish.scope,
            challenge=wish.challenge,
            expires=min(now + CODE_LIFETIME, login.session.expires),
            session=origin.session,
        )
        oauth2.add_code(connection, code, now)
        return True

    return secret if await service.write(store) else None


def _back(service: Service, wish: Wish, *parameters: tuple[str, str]) -> Answer:
    state = () if wish.state is None else (("state", wish.state),)
    # A client of several servers sees by `iss` that the code is not one of another server (RFC 9207).
    issuer = ("iss", service.base_url)
    return redirect(with_parameters(wish.redirect_uri, [*parameters, *state, issuer]))
