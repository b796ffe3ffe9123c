"""Makes links with which users set a password, and sets it, within the transaction of a `Database.change`."""

import os

from astakos.administration.accounts import set_password
from astakos.administration.user_registration import UserRefusedError
from astakos.clock import to_iso
from astakos.directory.entities import User
from astakos.directory.password_links import (
    FOR_PASSWORDS,
    LONGEST_INVITATION,
    RECOVERY_LIFETIME,
    RECOVERY_PAUSE,
    LinkPurpose,
)
from astakos.directory.tokens import new_token, token_hash
from astakos.events.event import Actor, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, password_links, users

LINK = "link"
"""The key in an event's values that has the number of a link; the process that mails it makes its secret."""


def make_link(connection: Connection, actor: Actor, user: User, expires: int, now: int) -> str:
    """Makes a link for a first login or a new password, to be handed over; returns its secret.

    The secret cannot be shown again. Earlier links of administrators for the user end.

    Raises:
        UserRefusedError: the user is not active, or the link would not end within 90 days.
    """
    _require_possible(user, expires, now)
    secret = new_token(os.urandom)
    password_links.add(
        connection, user.id, token_hash(secret), LinkPurpose.INVITATION, now, expires, actor.user
    )
    after = {"expires": to_iso(expires)}
    events.record(connection, Event("user.link_made", actor, subject=user.uuid, after=after), now)
    return secret


def invite_by_mail(connection: Connection, actor: Actor, user: User, expires: int, now: int) -> None:
    """Mails a user such a link. Nobody else gets to know its secret.

    Raises:
        UserRefusedError: the same as of `make_link`.
    """
    _require_possible(user, expires, now)
    number = password_links.add(connection, user.id, None, LinkPurpose.INVITATION, now, expires, actor.user)
    after = {LINK: number, "expires": to_iso(expires)}
    events.record(connection, Event("user.invited", actor, subject=user.uuid, after=after), now)


def ask_for_recovery(connection: Connection, origin: str, address: str, now: int) -> None:
    """Mails a user who has forgotten their password a link, which is valid for an hour.

    Does nothing if no active user has this address, or if they have just been mailed one. Whoever asks must
    not be told which.

    Args:
        connection: a connection in a transaction.
        origin: where the request came from.
        address: the email address that was given.
        now: the current instant.
    """
    user = users.find_by_username(connection, address.strip())
    if user is None or not user.is_active:
        return
    last = password_links.find_newest(connection, user.id, LinkPurpose.RECOVERY)
    if last is not None and last.created <= now < last.created + RECOVERY_PAUSE:
        return
    expires = now + RECOVERY_LIFETIME
    number = password_links.add(connection, user.id, None, LinkPurpose.RECOVERY, now, expires, None)
    after = {LINK: number, "expires": to_iso(expires)}
    event = Event("user.recovery_requested", Actor(None, origin), subject=user.uuid, after=after)
    events.record(connection, event, now)


def new_secret_of(connection: Connection, number: int, now: int) -> str | None:
    """Returns a new secret for a link that is about to be mailed; None if it has ended."""
    secret = new_token(os.urandom)
    return secret if password_links.set_secret(connection, number, token_hash(secret), now) else None


def user_of_link(connection: Connection, secret: str, now: int) -> User | None:
    """Returns the user who can set a password with a link; None if the link has ended or there is none."""
    link = password_links.find_valid(connection, token_hash(secret), now)
    if link is None or link.purpose not in FOR_PASSWORDS:
        return None
    user = users.find_by_uuid(connection, link.user)
    return user if user is not None and user.is_active else None


def redeem(
    connection: Connection, origin: str, secret: str, password_hash: str, now: int, *, keep_keys: bool = False
) -> User | None:
    """Sets the password of the user of a link, which ends with it, as do all their other links.

    The user is logged out everywhere, and all their tokens end: somebody else may have known the old
    password.

    Args:
        connection: a connection in a transaction.
        origin: where the request came from.
        secret: the secret of the link.
        password_hash: the hash of an accepted password; see `accounts.hash_new_password`.
        now: the current instant.
        keep_keys: whether the user's keys stay.

    Returns:
        The user; None if the link has ended or there is none, and nothing has changed.
    """
    user = user_of_link(connection, secret, now)
    if user is not None:
        actor = Actor(user.uuid, origin)
        set_password(connection, actor, user, password_hash, now, keep_tokens=False, keep_keys=keep_keys)
    return user


def _require_possible(user: User, expires: int, now: int) -> None:
    if not user.is_active:
        raise UserRefusedError(
            f"{user.email} is not active, and so cannot log in. Accept or activate them first."
        )
    if not now < expires <= now + LONGEST_INVITATION:
        raise UserRefusedError("The link must end in the future, and within 90 days.")
