"""Looks at the settings: whether each can be used, and whether together they make sense."""

from collections.abc import Iterator
from ipaddress import ip_network

from astakos.administration.administrators import list_administrators
from astakos.administration.runtime_settings import KnownSetting, list_settings, require_usable
from astakos.administration.state_document import StateError
from astakos.doctor.findings import Examined, Finding, fault, warning
from astakos.storage.tables import settings

SHORTEST_PREFIX = 8
"""How large a network of proxies may be: 10.0.0.0/8 has all private addresses of an organization."""


def look_at_settings(examined: Examined) -> Iterator[Finding]:
    """Checks the values of all settings that are set."""
    known = {one.name: one for one in list_settings(examined.connection)}
    for one in known.values():
        if one.is_set:
            yield from _look_at_value(one)
    group = known[settings.ADMINISTRATORS]
    if group.is_set and not any(user.is_active for user in list_administrators(examined.connection)):
        yield warning(
            f"Nobody is an administrator: the group {group.value!r}, which the setting administrators "
            "names, has no active member.",
            "Make somebody one: `astakos user grant-admin EMAIL`.",
        )
    if known["oauth2_without_tls"].value is True:
        yield warning(
            "OAuth2 works over plain HTTP: whoever can listen on the way can take codes and tokens.",
            "Use that for development only: `astakos setting unset oauth2_without_tls`.",
        )


def _look_at_value(one: KnownSetting) -> Iterator[Finding]:
    try:
        require_usable(one.name, one.value)
    except StateError as error:
        yield fault(
            f"The setting {one.name} cannot be used: {error}.",
            f"Set it again: `astakos setting set {one.name} VALUE`, or `astakos setting unset {one.name}`.",
        )


def look_at_proxies(examined: Examined) -> Iterator[Finding]:
    """Checks whether anybody is believed who is not a proxy."""
    networks = settings.find(examined.connection, settings.TRUSTED_PROXIES)
    for text in networks if isinstance(networks, list) else ():
        try:
            network = ip_network(str(text).strip(), strict=False)
        except ValueError:
            continue  # The check of the settings tells.
        if network.prefixlen < SHORTEST_PREFIX:
            yield warning(
                f"The setting trusted_proxies trusts all of {text}: whoever is in there can say to be "
                "somebody else, and wrong passwords are counted for others.",
                "Name the addresses of your proxies alone (docs/tls.md#trusted-proxies).",
            )
