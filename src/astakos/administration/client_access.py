"""Ends what OAuth2 clients can do in the name of a user."""

from astakos.administration.state_document import StateError
from astakos.directory.entities import User
from astakos.events.event import Actor, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, oauth2


def end_client_access(connection: Connection, actor: Actor, user: User, client: str, now: int) -> None:
    """Revokes the access tokens and codes that a client has for a user. It can ask the user again.

    Raises:
        StateError: it has none.
    """
    if not oauth2.end_those_of_client(connection, user.id, client):
        raise StateError(f"{client!r} cannot act for {user.email} now")
    before = {"client": client}
    events.record(connection, Event("oauth2_token.revoked", actor, subject=user.uuid, before=before), now)
