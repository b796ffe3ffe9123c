"""API keys: with them programs act as a user, within limits; shown once, and stored only as hashes.

A key is `astk_<8 characters>_<43 characters><6 characters>`: what it is called by, 256 random bits, and a
checksum, so that scanners can find keys in code and logs, and tell them from what only looks like one.
"""

import re
import zlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from astakos.directory.network_addresses import IPAddress, Networks

MARK: Final = "astk_"
FORM: Final = re.compile(r"(astk_[a-z2-9]{8}_[0-9A-Za-z]{43})([0-9A-Za-z]{6})")
SECRET: Final = re.compile(r"(astk_[a-z2-9]{8})_[0-9A-Za-z]{16,}")
"""A key as a whole, or most of it."""
PREFIX: Final = re.compile(r"astk_[a-z2-9]{8}")
NAME_CHARACTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 characters, none of which looks like another."""
DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIX_BYTES: Final = 8
SECRET_BYTES: Final = 32
SECRET_DIGITS: Final = 43
CHECKSUM_DIGITS: Final = 6

CALLS: Final = frozenset(
    {
        "account.authenticate",
        "account.feedback",
        "account.user_catalogs",
        "authz.authorize",
        "default_project.set_default_project",
        "events.events",
        "history.history",
        "keys.list_keys",
        "keys.show_key",
        "listings.catalog",
        "listings.domain",
        "listings.own_domains",
        "listings.own_projects",
        "listings.project",
        "listings.projects_of_user",
        "listings.user",
        "memberships.act_on_membership",
        "memberships.add_membership",
        "memberships.get_membership",
        "memberships.list_memberships",
        "projects.act_on_project",
        "projects.create_invitation",
        "projects.create_project",
        "projects.events",
        "projects.list_invitations",
        "projects.list_projects",
        "projects.modify_project",
        "projects.revoke_invitation",
        "projects.show_project",
        "projects.usage",
        "quotas.grants",
        "quotas.key_quotas",
        "quotas.periods",
        "quotas.quotas",
        "quotas.refusals",
        "statistics.detailed_statistics",
        "tokens.issue",
        "tokens.revoke",
        "tokens.validate",
        "users_admin.user_get",
        "users_admin.users_detail",
        "users_admin.users_list",
    }
)
"""The calls of this API that accept a key in place of a user's token: all but those that can make keys,
change or return a password or a token, or change an address. A call that is not listed refuses keys.
"""
TELLING_WHO: Final = "account.authenticate"
"""The call with which services find out who holds a key. Its services decide about that, not its calls."""
OF_PROJECTS: Final = frozenset(
    {
        TELLING_WHO,
        "listings.catalog",
        "listings.domain",
        "listings.own_domains",
        "listings.own_projects",
        "listings.project",
        "listings.projects_of_user",
        "listings.user",
        "projects.show_project",
        "quotas.grants",
        "quotas.key_quotas",
        "quotas.periods",
        "quotas.quotas",
        "quotas.refusals",
        "tokens.issue",
    }
)
"""The calls that the key of a project can make. They show nothing of other projects to it."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret.

    Attributes:
        id: the id in the database.
        prefix: what it is called by, and begins with.
        name: what its user calls it.
        project: the uuid of the only project that it may draw from; None for all of its user's.
        services: the names of the services that accept it; None for all.
        calls: the areas and calls of this API that it may make; None for all that accept keys.
        networks: the networks that it may be used from; None for all.
        created: instant.
        expires: instant; None if never.
        last_used: instant, exact to a minute; None if never used.
        creator: the uuid of the user who made it; None if an operator did.
        draws: whether its user can draw from its project now; true without a project.
    """

    id: int
    prefix: str
    name: str
    project: str | None = None
    services: tuple[str, ...] | None = None
    calls: tuple[str, ...] | None = None
    networks: tuple[str, ...] | None = None
    created: int = 0
    expires: int | None = None
    last_used: int | None = None
    creator: str | None = None
    draws: bool = True

    def has_expired(self, now: int) -> bool:
        """Whether it is over."""
        return self.expires is not None and self.expires < now


def new_prefix(random_bytes: Callable[[int], bytes]) -> str:
    """Creates a prefix of 40 random bits. It is no secret."""
    return MARK + "".join(NAME_CHARACTERS[byte % 32] for byte in random_bytes(PREFIX_BYTES))


def new_key(prefix: str, random_bytes: Callable[[int], bytes]) -> str:
    """Creates a key with a prefix."""
    secret = _digits(int.from_bytes(random_bytes(SECRET_BYTES), "big"), SECRET_DIGITS)
    start = f"{prefix}_{secret}"
    return start + _checksum(start)


def is_key(text: str) -> bool:
    """Whether a text has the form and the checksum of a key."""
    if not text.startswith(MARK):
        return False
    found = FORM.fullmatch(text)
    return found is not None and _checksum(found[1]) == found[2]


def without_secrets(text: str) -> str:
    """Returns a text in which keys are cut after their prefix: callers send one where a name is expected."""
    return SECRET.sub(r"\1_…", text) if MARK in text else text


def prefix_of(text: str) -> str | None:
    """Returns the prefix that a text names, with or without its mark; None if it names none."""
    prefix = text if text.startswith(MARK) else MARK + text
    return prefix if PREFIX.fullmatch(prefix) else None


def refuse_address(key: ApiKey, address: IPAddress | None) -> str | None:
    """Returns why a key may not be used from an address, None being unknown; None if it may."""
    if key.networks is None or Networks(key.networks).include(address):
        return None
    return "The key may not be used from this address."


def refuse_services(key: ApiKey, services: Collection[str] | None) -> str | None:
    """Returns why a key does not count for a component that has these services; None if it does.

    Args:
        key: the key.
        services: the names of the services; None if it is not known who asks.
    """
    if key.services is None or not set(key.services).isdisjoint(services or ()):
        return None
    if services is None:
        return f"The key is only for {_listed(key.services)}, and the request does not say who asks."
    return f"The key is only for {_listed(key.services)}."


def refuse_call(key: ApiKey, call: str) -> str | None:
    """Returns why a key may not make a call of this API, for example `quotas.periods`; None if it may."""
    if key.project is not None and call not in OF_PROJECTS:
        return "The key of a project cannot make this call. Use another key, or the user's token."
    if key.calls is None or call == TELLING_WHO:
        return None
    if call in key.calls or call.partition(".")[0] in key.calls:
        return None
    return f"The key may not make the call {call}."


def unknown_call(calls: Iterable[str]) -> str | None:
    """Returns which of these is neither a call that accepts keys nor the area of one; None if all are."""
    areas = {call.partition(".")[0] for call in CALLS}
    for call in calls:
        if call in CALLS or call in areas:
            continue
        area = call.partition(".")[0]
        if area in areas:
            known = ", ".join(sorted(one for one in CALLS if one.partition(".")[0] == area))
            return f"there is no call {call!r} that accepts keys; in {area} there are {known}"
        return f"there is no call {call!r} that accepts keys; the areas are {', '.join(sorted(areas))}"
    return None


def _listed(names: Collection[str]) -> str:
    return f"the {'service' if len(names) == 1 else 'services'} {', '.join(names)}"


def _checksum(start: str) -> str:
    return _digits(zlib.crc32(start.encode("ascii")), CHECKSUM_DIGITS)


def _digits(number: int, count: int) -> str:
    """Writes a number in base 62, with leading zeros."""
    digits = []
    for _ in range(count):
        number, digit = divmod(number, 62)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))
