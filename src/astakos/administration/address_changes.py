"""Changes the mail address of a user by a link to the new one, within a transaction of `Database.change`."""

from typing import NamedTuple

from astakos.administration.password_links import LINK
from astakos.administration.user_registration import Particulars, change_user
from astakos.clock import to_iso
from astakos.directory.entities import User
from astakos.directory.password_links import ADDRESS_LIFETIME, LinkPurpose
from astakos.directory.tokens import token_hash
from astakos.events.event import Actor, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, password_links, users


class AddressLink(NamedTuple):
    """A link that confirms an address: the user, and the address that they want to have."""

    user: User
    address: str


def ask_for_address(connection: Connection, actor: Actor, user: User, address: str, now: int) -> None:
    """Mails a link to an address that a user wants to have. It is valid for an hour; earlier ones end.

    Whether another user has the address makes no difference: the user must not be told.
    """
    expires = now + ADDRESS_LIFETIME
    number = password_links.add(
        connection, user.id, None, LinkPurpose.ADDRESS, now, expires, actor.user, address
    )
    after = {LINK: number, "email": address, "expires": to_iso(expires)}
    events.record(connection, Event("user.address_requested", actor, subject=user.uuid, after=after), now)


def address_of_link(connection: Connection, secret: str, now: int) -> AddressLink | None:
    """Returns what a link confirms; None if it has ended, or confirms no address."""
    link = password_links.find_valid(connection, token_hash(secret), now)
    if link is None or link.purpose is not LinkPurpose.ADDRESS or link.address is None:
        return None
    user = users.find_by_uuid(connection, link.user)
    return None if user is None or not user.is_active else AddressLink(user, link.address)


def confirm_address(connection: Connection, actor: Actor, link: AddressLink, now: int) -> None:
    """Gives a user the address that their link confirms. The old address is told.

    All their links end: whoever reads mail to the old address may have some.

    Raises:
        UserRefusedError: another user has the address.
    """
    change_user(connection, actor, link.user, Particulars(email=link.address), now)
    users.end_links(connection, link.user.uuid)
    before, after = {"email": link.user.email}, {"email": link.address}
    event = Event("user.address_confirmed", actor, subject=link.user.uuid, before=before, after=after)
    events.record(connection, event, now)
