"""Who calls a gateway, by what they send as their API key, and which budget they draw from."""

import re
from typing import NamedTuple

from astakosclient.async_client import AsyncBoundClient
from astakosclient.errors import AstakosClientException
from astakosclient.language_models.refusals import Refused, refusal_of
from astakosclient.middleware.admission import LONGEST_TOKEN

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Caller(NamedTuple):
    """A user, the prefix of the key that they have called with, if any, and the project to draw from."""

    user: str
    key: str | None
    project: str


async def identify(
    astakos: AsyncBoundClient, credential: str, *, project: str | None = None, address: str | None = None
) -> Caller:
    """Returns who calls.

    Args:
        astakos: The client with the token of the gateway's component; keys that are limited to services
            other than its own are unknown to it.
        credential: The token or key.
        project: The project that the caller names, for example in OpenAI's header ``OpenAI-Project``; by
            default that of the key, or the user's own budget.
        address: The IP address of the caller, for keys that are limited to networks.

    Raises:
        TypeError: The credential is no text.
        Refused: The key is not valid, or cannot draw from the project, or Astakos does not answer.
    """
    if credential and not isinstance(credential, str):
        raise TypeError(f"credential must be a str, not a {type(credential).__name__}")
    if not credential or len(credential) > LONGEST_TOKEN:
        raise _unknown()
    try:
        about = await astakos.introspect_token(credential, address=address)
    except AstakosClientException as error:
        raise refusal_of(error) from None
    if not about["active"] or "sub" not in about:
        raise _unknown()
    source = project or about.get("tenant", "")
    if source not in about.get("projects", ()):
        hint = "" if UUID.fullmatch(source) else " A project is named by its UUID."
        raise Refused(403, f"You cannot draw from this project.{hint}", "no_such_project")
    return Caller(about["sub"], about.get("key"), source)


def _unknown() -> Refused:
    message = "The API key is unknown, has expired, or is not for this service or address."
    return Refused(401, message, "invalid_api_key", WWW_Authenticate="Bearer")
