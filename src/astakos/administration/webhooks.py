"""Adds, removes and rotates webhooks, and repeats deliveries, for operators."""

import os
from collections.abc import Sequence

from astakos.administration.state_document import StateError
from astakos.administration.webhook_urls import refuse_webhook_url
from astakos.clock import MICROSECONDS, to_iso
from astakos.events.event import SERVICE, Actor, Event
from astakos.events.webhook_signatures import fingerprint, refuse_key
from astakos.storage.protocol import Connection
from astakos.storage.tables import deliveries, destinations, events, settings
from astakos.storage.tables.deliveries import Delivery, DeliveryState
from astakos.storage.tables.destinations import MOST_WEBHOOKS, Destination

KEY_FINGERPRINT = "webhook_key"
"""The setting that tells which key the secrets of webhooks are derived from."""
OVERLAP_HOURS = 24
HOUR = 3600 * MICROSECONDS


def require_key(connection: Connection, key: bytes) -> None:
    """Checks that a key can be used, and is the one that secrets were derived from before.

    Raises:
        StateError: it cannot, or is not.
    """
    refusal = refuse_key(key)
    if refusal is not None:
        raise StateError(f"the key of webhooks cannot be used: {refusal}")
    known = settings.find(connection, KEY_FINGERPRINT)
    if known not in (None, fingerprint(key)):
        raise StateError(
            "this is not the key that the secrets of the webhooks were derived from; use that one, or remove "
            "all webhooks first"
        )


def add_webhook(
    connection: Connection, actor: Actor, url: str, kinds: Sequence[str], key: bytes, now: int
) -> Destination:
    """Adds a webhook, which receives the events from now on.

    Raises:
        StateError: the URL or the key cannot be used, or there are too many webhooks.
    """
    refusal = refuse_webhook_url(url, settings.find(connection, settings.WEBHOOK_NETWORKS, ()))
    if refusal is not None:
        raise StateError(refusal)
    require_key(connection, key)
    if destinations.count_webhooks(connection) >= MOST_WEBHOOKS:
        raise StateError(f"there cannot be more than {MOST_WEBHOOKS} webhooks; remove one first")
    settings.save(connection, KEY_FINGERPRINT, fingerprint(key))
    name = f"wh_{os.urandom(8).hex()}"
    after = {"webhook": name, "url": url, "kinds": list(kinds)}
    number = events.record(connection, Event("webhook.created", actor, after=after), now)
    webhook = Destination(name, url, tuple(kinds), 1, None, now, planned=number)
    destinations.add(connection, webhook)
    return webhook


def disable_webhook(connection: Connection, name: str, reason: str, now: int) -> None:
    """Sends nothing more to a webhook whose receiver does not want it, until somebody enables it.

    Its deliveries stay pending, and later events stay in the audit log.
    """
    if destinations.disable(connection, name, now):
        event = Event("webhook.disabled", SERVICE, reason=reason, after={"webhook": name})
        events.record(connection, event, now)


def enable_webhook(connection: Connection, actor: Actor, name: str, now: int) -> Destination:
    """Sends to a webhook again.

    Raises:
        StateError: there is no such webhook, or it is not disabled.
    """
    webhook = find_webhook(connection, name)
    if webhook.disabled is None:
        raise StateError(f"the webhook {name} is not disabled")
    destinations.enable(connection, name)
    events.record(connection, Event("webhook.enabled", actor, after={"webhook": name}), now)
    return webhook._replace(disabled=None)


def send_test(connection: Connection, actor: Actor, name: str, now: int) -> Destination:
    """Sends a message to a webhook, as if an event had happened; it is delivered like any other.

    Raises:
        StateError: there is no such webhook, or it is disabled.
    """
    webhook = find_webhook(connection, name)
    if webhook.disabled is not None:
        raise StateError(f"the webhook {name} is disabled, so nothing is sent to it; enable it first")
    number = events.record(connection, Event("webhook.tested", actor, after={"webhook": name}), now)
    deliveries.plan(connection, name, [(number, "")], now)
    return webhook


def remove_webhook(connection: Connection, actor: Actor, name: str, now: int) -> Destination:
    """Removes a webhook with all its deliveries. Without webhooks, another key can be used.

    Raises:
        StateError: there is no such webhook.
    """
    webhook = find_webhook(connection, name)
    deliveries.remove_of(connection, name)
    destinations.remove(connection, name)
    if destinations.count_webhooks(connection) == 0:
        settings.delete(connection, KEY_FINGERPRINT)
    events.record(
        connection, Event("webhook.removed", actor, before={"webhook": name, "url": webhook.url}), now
    )
    return webhook


def rotate_webhook(
    connection: Connection, actor: Actor, name: str, key: bytes, overlap_hours: int, now: int
) -> Destination:
    """Gives a webhook a new secret. For some hours, messages are signed with the one before as well.

    Raises:
        StateError: there is no such webhook, the key cannot be used, or the secret before the present one is
            still used as well: its receiver would be cut off. Without an overlap, it is anyway.
    """
    webhook = find_webhook(connection, name)
    require_key(connection, key)
    ends = webhook.overlap_ends
    if overlap_hours and ends is not None and now < ends:
        raise StateError(
            f"the secret before the present one is used until {to_iso(ends)}; rotate after that, "
            "or at once without an overlap of hours if a secret is known to others"
        )
    destinations.rotate(connection, name, now + overlap_hours * HOUR)
    after = {"webhook": name, "overlap_hours": overlap_hours}
    events.record(connection, Event("webhook.secret_rotated", actor, after=after), now)
    return webhook._replace(generation=webhook.generation + 1)


def find_webhook(connection: Connection, name: str) -> Destination:
    """Finds a webhook.

    Raises:
        StateError: there is no such webhook.
    """
    found = destinations.find(connection, name)
    if found is None or found.url is None:
        raise StateError(f"there is no webhook {name!r}", "`astakos webhook list` shows all")
    return found


def retry_delivery(connection: Connection, actor: Actor, identifier: int, now: int) -> Delivery:
    """Makes a dead delivery pending again.

    Raises:
        StateError: there is no such delivery, or it is not dead.
    """
    found = deliveries.find(connection, identifier)
    if found is None:
        raise StateError(f"there is no delivery {identifier}")
    if found.state is not DeliveryState.DEAD:
        raise StateError(f"the delivery {identifier} is {found.state}; only dead ones can be repeated")
    deliveries.retry(connection, identifier, now)
    after = {"delivery": identifier, "destination": found.destination}
    events.record(connection, Event("delivery.retried", actor, after=after), now)
    return found


def retry_dead_deliveries(connection: Connection, actor: Actor, destination: str | None, now: int) -> int:
    """Makes all dead deliveries pending again, or those to one destination; returns their number."""
    number = deliveries.retry_all(connection, destination, now)
    if number:
        after = {"deliveries": number, "destination": destination}
        events.record(connection, Event("delivery.retried", actor, after=after), now)
    return number
