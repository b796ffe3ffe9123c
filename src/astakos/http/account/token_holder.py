"""`GET account/v1.0/authenticate`: the user who holds a token, in the format of 0.14 (`http-api.md` §8.1)."""

from astakos.clock import to_milliseconds
from astakos.directory.entities import User
from astakos.http.key_limits import SERVICE
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.tables import users
from astakosclient.answer_types import UserInfo


@described("account.authenticate", parameters=[SERVICE], answers={200: Reply(UserInfo)})
async def authenticate(service: Service, request: Request, user: User) -> Answer:
    """Retrieves the user who holds the token, in the format of Astakos 0.14."""
    header = request.header_token
    groups = await service.read(users.groups_of, user.id)
    document = {
        "id": user.id,
        "username": user.username,
        "uuid": user.uuid,
        "email": [user.email],
        "name": user.name,
        "groups": [group.name for group in groups],
        "auth_token": header or None,
        "auth_token_created": _milliseconds(user.token_created),
        "auth_token_expires": _milliseconds(user.token_expires),
    }
    if user.key is not None:
        document["key"] = user.key.prefix
    return Answer(body=to_json(document))


def _milliseconds(instant: int | None) -> int | None:
    return None if instant is None else to_milliseconds(instant)
