"""Ends the logins of users in browsers, for themselves and for administrators."""

from astakos.administration.state_document import StateError
from astakos.directory.entities import User
from astakos.events.event import Actor, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, sessions


def end_session(connection: Connection, actor: Actor, user: User, identifier: int, now: int) -> None:
    """Ends one session of a user, with the codes and access tokens that were issued in it.

    Raises:
        StateError: the user has no such session.
    """
    if not sessions.end_of_user(connection, user.id, identifier):
        raise StateError(f"{user.email} has no session {identifier}")
    _note(connection, actor, user, 1, now)


def end_sessions(connection: Connection, actor: Actor, user: User, now: int, *, but: bytes = b"") -> int:
    """Ends all sessions of a user, except the one whose secret has the hash `but`; returns their number.

    The user's own token and keys are still valid.
    """
    ended = sessions.end_all_of_user(connection, user.id, but=but)
    if ended:
        _note(connection, actor, user, ended, now)
    return ended


def _note(connection: Connection, actor: Actor, user: User, number: int, now: int) -> None:
    after = {"sessions": number}
    events.record(connection, Event("user.sessions_ended", actor, subject=user.uuid, after=after), now)
