"""Which URLs webhooks can have: those that a message can be sent to, as far as the URL alone tells."""

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from astakos.directory.destination_addresses import AllowedAddresses
from astakos.directory.network_addresses import parse_address
from astakos.directory.redirects import refuse_web_url

LONGEST_URL = 2000
LONGEST_HOST = 253
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
"""The last label of what programs read as an IPv4 address, however it is written."""
LOOPBACK = ("127.0.0.1", "::1")


def refuse_webhook_url(url: str, networks: Iterable[str]) -> str | None:
    """Returns why a URL cannot be that of a webhook, and what would be right; None if it can.

    Args:
        url: the URL.
        networks: those that are not public and may have webhooks.
    """
    if "@" in url.partition("://")[2].partition("/")[0]:
        # Nothing is repeated, because of the password.
        return "the URL of a webhook must not contain a user or password: receivers verify the signature"
    if len(url) > LONGEST_URL:
        return f"the URL of a webhook has {len(url)} characters; {LONGEST_URL} are allowed"
    if "#" in url:
        return f"{url!r} has a fragment, which is never sent; leave out everything from # on"
    refusal = _refuse_port(url) or refuse_web_url(url)
    if refusal is not None:
        return refusal
    parts, allowed = urlsplit(url), AllowedAddresses(networks)
    return _refuse_host(parts.hostname or "", allowed) or _refuse_scheme(parts, networks)


def _refuse_port(url: str) -> str | None:
    try:
        port = urlsplit(url).port
    except ValueError as error:
        if "port" not in str(error).lower():
            return None
        port = 0
    if port == 0:
        return f"{url!r} has no port that can be connected to; use one from 1 to 65535, or none for 443"
    return None


def _refuse_host(host: str, allowed: AllowedAddresses) -> str | None:
    """Returns why nothing can be sent to a host: not without asking for its addresses."""
    if ":" in host:
        if "%" in host or parse_address(f"[{host}]") is None:
            return f"[{host}] is not an IPv6 address; write it like [2001:db8::1], without a zone"
        return allowed.refuse([host])
    labels = host.split(".")
    if NUMERIC.fullmatch(labels[-1]):
        if len(labels) != len(LOOPBACK[0].split(".")) or parse_address(host) is None:
            return f"{host} is not an IPv4 address; write it like 192.0.2.1, or name a host"
        return allowed.refuse([host])
    if len(host) > LONGEST_HOST or not all(LABEL.fullmatch(label) for label in labels):
        return (
            f"{host!r} is not the name of a host; write it like hooks.example.org: each part has 1 to 63 "
            "letters, digits and hyphens, and a hyphen neither first nor last"
        )
    if labels[-1].lower() == "localhost" and all(allowed.refuse([address]) for address in LOOPBACK):
        return allowed.refuse(LOOPBACK)
    return None


def _refuse_scheme(parts: SplitResult, networks: Iterable[str]) -> str | None:
    if parts.scheme.lower() == "https":
        return None
    host = parts.hostname or ""
    address = parse_address(f"[{host}]" if ":" in host else host)
    is_outside = address is not None and not AllowedAddresses(networks).are_own([host])
    if is_outside or not list(networks):
        return "http is only for networks in the setting webhook_networks; use https"
    return None
