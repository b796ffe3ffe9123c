"""`GET tokens/<id>`: validates OAuth2 access tokens (`http-api.md` §7.3)."""

from typing import Any, NamedTuple

from astakos.directory.entities import User
from astakos.directory.token_scopes import covers
from astakos.directory.tokens import token_hash
from astakos.http.faults import ItemNotFound
from astakos.http.identity.tokens_call import access_answer, token_document, user_document
from astakos.http.openapi.description import Parameter, Reply, as_text, described
from astakos.http.request import Answer, Request
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import oauth2, users
from astakosclient.answer_types import Validation

UNKNOWN = "The access token is unknown or expired, or its scope does not cover belongsTo."


class _Found(NamedTuple):
    token: oauth2.AccessToken
    user: User
    document: dict[str, Any]


BELONGS_TO = Parameter(
    "belongsTo", "The URL that the token is used at. The token's scope must cover it.", as_text
)


@described(
    "validation.validate", parameters=[BELONGS_TO], answers={200: Reply(Validation)}, faults=[ItemNotFound]
)
async def validate(service: Service, request: Request) -> Answer:
    """Validates an OAuth2 access token. Returns the token and its user.

    Does not check the state of the user. Deletes the token if it has expired. If `belongsTo` is sent, the
    token's scope must cover it: a path covers all that starts with it, a URL what lies below it.
    """
    token = request.parameter
    hashed = token_hash(token)
    found = await service.read(_find, hashed)
    if found is None:
        raise ItemNotFound(UNKNOWN)
    now = service.now()
    if found.token.expires < now:
        await service.write(lambda connection: oauth2.delete_expired_token(connection, hashed, now))
        raise ItemNotFound(UNKNOWN)
    belongs_to = BELONGS_TO.of(request)
    if belongs_to is not None and not covers(found.token.scope, belongs_to):
        raise ItemNotFound(UNKNOWN)
    return access_answer(
        request,
        {"token": token_document(found.user, token, found.token.expires), "user": found.document},
    )


def _find(connection: Connection, hashed: bytes) -> _Found | None:
    token = oauth2.find_token(connection, hashed)
    user = None if token is None else users.find_by_uuid(connection, token.user)
    if token is None or user is None:
        return None
    return _Found(token, user, user_document(connection, user))
