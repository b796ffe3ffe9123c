"""`identity/v3/auth/tokens`: issues tokens for a password or another token, validates and revokes them."""

import os
import re
from dataclasses import replace
from typing import NamedTuple

from astakos.clock import MICROSECONDS
from astakos.directory.attempt_limits import unknown_account, user_account
from astakos.directory.eligibility import refuse_user
from astakos.directory.entities import User
from astakos.directory.password_rules import LONGEST_PASSWORD
from astakos.directory.tokens import new_token, token_hash
from astakos.http.authentication import authenticated_component_or_user, user_of_token
from astakos.http.bodies import JsonBody
from astakos.http.drawable_projects import drawable_projects
from astakos.http.faults import BadRequest, Forbidden, ItemNotFound, NotForKey, TooManyAttempts, Unauthorized
from astakos.http.key_limits import require_asker, require_call
from astakos.http.keystone.answers import TokenAnswer
from astakos.http.keystone.documents import TokenFacts, token_document
from astakos.http.keystone.keystone_catalog import keystone_catalog
from astakos.http.keystone.token_requests import Auth, AuthBody, Identity, PasswordUser, ProjectName, Scope
from astakos.http.media_types import JSON_TYPE
from astakos.http.openapi.description import EMPTY, Parameter, Reply, as_text, described
from astakos.http.request import Answer, Request
from astakos.http.secret_attempts import is_right
from astakos.http.serialization import to_json
from astakos.projects.project import Project
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import temporary_tokens, users
from astakos.storage.tables.proofs import PasswordProof, TokenProof
from astakos.storage.tables.temporary_tokens import TemporaryToken, TooManyTokensError

LIFETIME = 3600 * MICROSECONDS
"""The lifetime of a temporary token: the same as in Keystone."""
SUBJECT = "X-Subject-Token"
PASSWORD, TOKEN = "password", "token"
NOT_KNOWN = "There is no such user, or the password is wrong."
TOO_MANY = (
    "The user has too many temporary tokens, each issued for another one. "
    "Log in with the password, or revoke some of them."
)

HEADER_TEXT = re.compile("[!-~]+")
"""Matches tokens that fit in a header. An operator may have set one that does not; its user gets another."""

SUBJECT_TOKEN = Parameter(
    SUBJECT, "The token to validate or revoke.", as_text, place="header", is_required=True
)
NO_CATALOG = Parameter("nocatalog", "Omits the catalog. The value does not matter.", as_text)
BODY = JsonBody(AuthBody)
ANSWER = Reply(TokenAnswer, [JSON_TYPE], [SUBJECT])


class Proven(NamedTuple):
    """What a caller has proven.

    Attributes:
        user: User that the caller is.
        method: Method of authentication.
        proof: What they have sent, as it is stored.
        token: Token that they have sent, or None.
    """

    user: User
    method: str
    proof: PasswordProof | TokenProof
    token: str | None


@described(
    "tokens.issue",
    parameters=[NO_CATALOG],
    body=BODY,
    answers={201: ANSWER},
    faults=[Unauthorized, Forbidden, TooManyAttempts],
)
async def issue(service: Service, request: Request) -> Answer:
    """Issues a token for a password or another token. Returns it in the X-Subject-Token header."""
    auth = BODY.read(request).auth
    proven = await _prove(service, request, auth.identity)
    if proven.user.key is not None:
        await require_call(service, request, proven.user.key)
    facts, token = await _token_for(service, proven, auth)
    return await _answer(service, request, 201, facts, token)


@described(
    "tokens.validate",
    tokens=["service", "user"],
    parameters=[SUBJECT_TOKEN, NO_CATALOG],
    answers={200: ANSWER},
    faults=[ItemNotFound],
)
async def validate(service: Service, request: Request) -> Answer:
    """Validates the token in the X-Subject-Token header. Returns its contents."""
    await authenticated_component_or_user(service, request)
    token = _subject(request)
    user = await service.user_of_token(token)
    facts = None
    if (
        user is not None
        and refuse_user(user, service.now()) is None
        and await _counts(service, request, user)
    ):
        facts = await service.read(_facts_of_token, user, token_hash(token))
    if facts is None:
        raise ItemNotFound(f"The token in {SUBJECT} is not valid: unknown, expired, or revoked.")
    return await _answer(service, request, 200, facts, token)


@described(
    "tokens.revoke",
    tokens=["service", "user"],
    parameters=[SUBJECT_TOKEN],
    answers={204: EMPTY},
    faults=[Forbidden, ItemNotFound],
)
async def revoke(service: Service, request: Request) -> Answer:
    """Revokes the temporary token in the X-Subject-Token header, and those that were issued for it."""
    await authenticated_component_or_user(service, request)
    token = _subject(request)
    hashed = token_hash(token)
    ended = await service.write(lambda connection: temporary_tokens.revoke(connection, hashed))
    if not ended:
        holder = await service.user_of_token(token)
        if holder is None:
            raise ItemNotFound(f"The token in {SUBJECT} is not valid: unknown, expired, or revoked.")
        if holder.key is not None:
            raise Forbidden("Revoke a key with DELETE account/v1.0/keys.")
        raise Forbidden("This is the user's own token, which cannot be revoked. Renew it instead.")
    for one in ended:
        service.forget_user_of_token(one)
    return Answer(204, media_type=JSON_TYPE)


async def _counts(service: Service, request: Request, user: User) -> bool:
    """Returns whether the key that a token may be counts for the service that asks."""
    if user.key is None:
        return True
    try:
        await require_asker(service, request, user.key)
    except Unauthorized:
        return False
    return True


def _subject(request: Request) -> str:
    token = SUBJECT_TOKEN.of(request)
    if not token:
        raise BadRequest(f"Send the token to validate or revoke in the {SUBJECT} header.")
    return token


async def _prove(service: Service, request: Request, identity: Identity) -> Proven:
    (method,) = identity.methods
    if method == PASSWORD:
        if identity.password is None:
            raise BadRequest('The method "password" requires `identity.password.user`.')
        return await _prove_by_password(service, request, identity.password.user)
    if method == TOKEN:
        if identity.token is None:
            raise BadRequest('The method "token" requires `identity.token.id`.')
        token = identity.token.id
        return Proven(await user_of_token(service, token), TOKEN, TokenProof(token_hash(token)), token)
    raise Unauthorized("This method is not supported. Use password or token.")


async def _prove_by_password(service: Service, request: Request, given: PasswordUser) -> Proven:
    if given.id is None and given.name is None:
        raise BadRequest("Name the user by `id` (the UUID) or by `name` (the email address).")
    # The same is read whether there is such a user or not: the time must not tell.
    found, stored = await service.read(_find_user, given)
    holder = await service.user_of_token(given.password)
    if found is not None and holder is not None and holder.id == found.id:
        user = await user_of_token(service, given.password)
        return Proven(user, PASSWORD, TokenProof(token_hash(given.password)), given.password)
    if max(len(given.id or ""), len(given.name or ""), len(given.password)) > LONGEST_PASSWORD:
        raise Unauthorized(NOT_KNOWN)
    account = _account(found, given)

    async def matches(is_suspect: bool) -> bool:
        return await service.passwords.matches(account, stored, given.password, is_suspect=is_suspect)

    if not await is_right(service, request, account, matches) or found is None or stored is None:
        raise Unauthorized(NOT_KNOWN)
    # Ignore the expiry of the user's own token: this call is how to get another one.
    refusal = refuse_user(replace(found, token_expires=None), service.now())
    if refusal is not None:
        raise Unauthorized(refusal)
    return Proven(found, PASSWORD, PasswordProof(stored), None)


def _account(found: User | None, given: PasswordUser) -> str:
    if found is not None:
        return user_account(found.uuid)
    return unknown_account(given.name or "") if given.id is None else user_account(given.id)


def _find_user(connection: Connection, given: PasswordUser) -> tuple[User | None, str | None]:
    """Returns the user that is named, and the hash of their password."""
    found = None
    if given.id is not None:
        found = users.find_by_uuid(connection, given.id)
    elif given.name is not None and given.domain.is_ours():
        found = users.find_by_username(connection, given.name)
    return found, None if found is None else users.find_password_hash(connection, found.uuid)


async def _token_for(service: Service, proven: Proven, auth: Auth) -> tuple[TokenFacts, str]:
    """Returns the token that was sent if it is for the right project, otherwise a new one."""
    wanted = await service.read(_wanted_project, proven.user, auth.scope)
    roles = await service.read(users.groups_of, proven.user.id)
    now = service.now()
    expires = now + LIFETIME
    if proven.token is not None and isinstance(proven.proof, TokenProof):
        held = await service.read(_facts_of_token, proven.user, proven.proof.token_hash)
        if held is not None and _uuid(held.project) == _uuid(wanted) and HEADER_TEXT.fullmatch(proven.token):
            return held._replace(method=proven.method), proven.token
        if proven.user.key is not None:
            raise NotForKey(
                "A key cannot be exchanged for a token. Send the key itself, for its own project."
            )
        # A token that is issued for another one must not outlive it.
        expires = min(expires, expires if proven.user.token_expires is None else proven.user.token_expires)
    token = new_token(os.urandom)
    new = TemporaryToken(
        token_hash(token), proven.user.id, _uuid(wanted), proven.method, created=now, expires=expires
    )
    try:
        added = await service.write(lambda connection: temporary_tokens.add(connection, new, proven.proof))
    except TooManyTokensError as error:
        raise Forbidden(TOO_MANY) from error
    if not added:
        raise Unauthorized("The password or token has just changed. Use the new one.")
    user = replace(proven.user, token_created=now, token_expires=expires)
    return TokenFacts(new.token_hash, user, proven.method, wanted, roles), token


def _uuid(project: Project | None) -> str | None:
    return None if project is None else project.uuid


def _wanted_project(connection: Connection, user: User, scope: Scope | str | None) -> Project | None:
    """Returns the project to scope a token to.

    Raises:
        Unauthorized: The user cannot draw from it, or the scope is not supported.
    """
    if isinstance(scope, str):
        return None
    candidates = drawable_projects(connection, user)
    if scope is None:
        default = user.default_project or user.uuid
        return next((project for project in candidates if project.uuid == default), None)
    if scope.project is None:
        raise Unauthorized("The scope must be a project or unscoped. No other scope is supported.")
    found = [project for project in candidates if _is_named(project, scope.project)]
    if not found:
        raise Unauthorized("There is no such project, or the user cannot draw from it now.")
    return found[0]


def _is_named(project: Project, name: ProjectName) -> bool:
    if name.id is not None:
        return project.uuid == name.id
    return name.domain.is_ours() and project.name == name.name


def _facts_of_token(connection: Connection, user: User, hashed: bytes) -> TokenFacts | None:
    """Returns the contents of a token, or None if the user can no longer draw from its project."""
    temporary = temporary_tokens.find(connection, hashed)
    roles = users.groups_of(connection, user.id)
    if temporary is None:
        return TokenFacts(hashed, user, TOKEN, _wanted_project(connection, user, None), roles)
    if temporary.project is None:
        return TokenFacts(hashed, user, temporary.method, None, roles)
    for project in drawable_projects(connection, user):
        if project.uuid == temporary.project:
            return TokenFacts(hashed, user, temporary.method, project, roles)
    return None


async def _answer(service: Service, request: Request, status: int, facts: TokenFacts, token: str) -> Answer:
    catalog = None
    if NO_CATALOG.of(request) is None:
        catalog = keystone_catalog(request.dialect.catalog(await service.catalog()))
    document = to_json(token_document(facts, catalog, service.now()))
    return Answer(status, document, JSON_TYPE, {SUBJECT: token})
