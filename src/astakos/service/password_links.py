"""Lets users set a password with a link, and ask for one, in the running service."""

from astakos.administration.password_links import ask_for_recovery, redeem, user_of_link
from astakos.directory.attempt_limits import Attempt, recovery_account, user_account
from astakos.directory.entities import User
from astakos.directory.network_addresses import IPAddress
from astakos.directory.password_rules import refuse_password
from astakos.service.service import Service


class PasswordRefusedError(Exception):
    """A password is not accepted; the message says why."""


async def request_recovery(service: Service, address: IPAddress | None, origin: str, email: str) -> None:
    """Mails the user with an email address a link. Never tells whether there is such a user.

    Only offer this if `service.has_mail`.

    Args:
        service: The service.
        address: The caller's address; None if it is unknown.
        origin: The same as a text, for the audit log.
        email: The email address that the caller has given.

    Raises:
        TooManyAttemptsError: The caller has asked too often, for this address or for others.
        StorageUnavailableError: The database cannot be written now.
    """
    # All requests count, so that nobody can find out who is a user, nor flood a mailbox. In a transaction of
    # its own, only that of a user would wait for the disk.
    await service.attempts.count(
        Attempt(recovery_account(email), address),
        lambda connection: ask_for_recovery(connection, origin, email, service.now()),
    )


async def find_user_of_link(service: Service, secret: str) -> User | None:
    """Returns the user who can set a password with a link; None if it has ended or there is none."""
    return await service.read(user_of_link, secret, service.now())


async def set_password_with_link(
    service: Service, origin: str, secret: str, password: str, *, keep_keys: bool = False
) -> User | None:
    """Sets the password of the user of a link, which works once.

    Returns:
        The user; None if the link has ended or there is none.

    Raises:
        PasswordRefusedError: The password is not accepted; the link still works.
        StorageUnavailableError: The password cannot be hashed or stored now; the link still works.
    """
    user = await find_user_of_link(service, secret)
    if user is None:
        return None
    refusal = refuse_password(password)
    if refusal is not None:
        raise PasswordRefusedError(refusal)
    hashed = await service.passwords.hash(user_account(user.uuid), password)
    now = service.now()
    found = await service.write(
        lambda connection: redeem(connection, origin, secret, hashed, now, keep_keys=keep_keys)
    )
    service.forget_users()
    return found
