"""Delivers what is due to one destination after another: claims it, sends it, and records how it went.

If this process dies in between, the claim ends, and the delivery is sent again.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import msgspec

from astakos.administration.password_links import LINK, new_secret_of
from astakos.administration.webhooks import disable_webhook
from astakos.clock import DAY, MICROSECONDS
from astakos.deliveries import webhooks
from astakos.deliveries.mail import Mailer
from astakos.deliveries.outcomes import DeliveryError
from astakos.deliveries.pacing import MOST_ATTEMPTS, next_attempt
from astakos.deliveries.planning import plan
from astakos.deliveries.templates import MailTemplate, template_name
from astakos.deliveries.wording import mail as worded_mail
from astakos.deliveries.wording import values_of, webhook_body
from astakos.directory.destination_addresses import AllowedAddresses
from astakos.directory.password_links import address_link_address, link_address
from astakos.events.event import RecordedEvent
from astakos.events.webhook_signatures import secret_of, signed_headers
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import deliveries, destinations, events, settings
from astakos.storage.tables.deliveries import Delivery, DeliveryState
from astakos.storage.tables.destinations import BY_MAIL, LOG, Destination
from astakos.tracing.spans import Span, untraced

CLAIM_SECONDS = 120
"""How long a claim lasts: longer than any attempt, even if a name takes long to resolve."""
KEPT_DELIVERED = 7 * DAY
KEPT_DEAD = 90 * DAY

WITH_LINK: Mapping[str, Callable[[str, str], str]] = {
    "user.invited": link_address,
    "user.recovery_requested": link_address,
    "user.address_requested": address_link_address,
}
"""The events that are mailed with a link, and what makes its address of the base URL and the secret."""
TOLD_IN_LOG = ("component", "resource", "percent", "key")
"""What the log tells of an event besides what all events have."""

log = logging.getLogger("astakos.notices")
undelivered = logging.getLogger("astakos.notices.undelivered")
"""Tells what nobody is told otherwise."""


class Receivers(msgspec.Struct, frozen=True):
    """What deliveries need besides the database.

    Attributes:
        base_url: the base URL of the service, for mail.
        mailer: the mail server; None if there is none.
        templates: the texts of mail; see `template_name`.
        webhook_key: the key that the secrets of webhooks are derived from; None if there is none.
    """

    base_url: str
    mailer: Mailer | None
    templates: Mapping[str, MailTemplate]
    webhook_key: bytes | None

    def __repr__(self) -> str:
        """Shows no secret."""
        return f"<Receivers of {self.base_url}>"

    def can_reach(self, destination: str) -> bool:
        """Whether this process delivers to a destination."""
        if destination in BY_MAIL:
            return self.mailer is not None
        return destination == LOG or self.webhook_key is not None


class _Claimed(NamedTuple):
    """A delivery that this process has claimed, with everything that it takes to send it."""

    delivery: Delivery
    destination: Destination
    recorded: RecordedEvent
    values: Mapping[str, str] | None
    failure: DeliveryError | None
    allowed: tuple[str, ...]


class Deliverer:
    """Plans and sends; usable by one thread for each destination."""

    def __init__(
        self,
        database: Database,
        receivers: Receivers,
        now: Callable[[], int],
        chance: Callable[[], float],
        span: Span = untraced,
    ) -> None:
        """Delivers the events of a database.

        Args:
            database: the database.
            receivers: what deliveries need besides.
            now: returns the present instant.
            chance: returns a random number from 0 to 1.
            span: opens a span for each attempt to send something.
        """
        self._span = span
        self._database = database
        self._receivers = receivers
        self._now = now
        self._chance = chance
        self._has_warned = False
        self._failing: set[str] = set()

    def destinations_with_work(self) -> list[str]:
        """Returns the destinations of this process that have something to be planned or sent.

        Those that are new, of mail and the log, start with what happens from now on.
        """
        known, due, head = self._database.read(self._look)
        has_webhooks = any(one.url is not None for one in known)
        if has_webhooks and self._receivers.webhook_key is None and not self._has_warned:
            self._has_warned = True
            log.warning("webhooks wait: start the service with --webhook-key, the file of their key")
        names = {one.name for one in known}
        for name in (*BY_MAIL, LOG):
            if name not in names and self._receivers.can_reach(name):
                self._database.change(partial(self._add, name=name))
        return [
            one.name
            for one in known
            if one.disabled is None
            and (one.name in due or one.planned < head)
            and self._receivers.can_reach(one.name)
        ]

    def _look(self, connection: Connection) -> tuple[list[Destination], set[str], int]:
        due = deliveries.destinations_due(connection, self._now())
        return destinations.list_all(connection), due, events.find_head(connection).number

    def _add(self, connection: Connection, name: str) -> None:
        if destinations.find(connection, name) is None:
            head = events.find_head(connection).number
            destinations.add(connection, Destination(name, None, (), 1, None, self._now(), head))

    def work_through(self, name: str, is_ending: Callable[[], bool]) -> None:
        """Plans and sends all that there is for a destination, until it is done or the process ends."""
        while not is_ending() and self._plan(name):
            pass
        while not is_ending() and self.deliver_one(name):
            pass

    def _plan(self, name: str) -> bool:
        has_mail = self._receivers.mailer is not None
        return self._database.change(
            lambda connection: plan(connection, name, self._now(), has_mail=has_mail)
        )

    def deliver_one(self, name: str) -> bool:
        """Sends what has been due longest to a destination; returns false if nothing is."""
        claimed = self._database.change(lambda connection: self._claim(connection, name))
        if claimed is None:
            return False
        failure = claimed.failure or self._failure_of(claimed)
        self._database.change(lambda connection: self._settle(connection, claimed, failure))
        return True

    def _failure_of(self, claimed: _Claimed) -> DeliveryError | None:
        if claimed.delivery.attempts > MOST_ATTEMPTS:
            return DeliveryError("its attempts have ended without an outcome too often", is_final=True)
        name = (
            "deliver mail" if claimed.destination.name in BY_MAIL else f"deliver {claimed.destination.name}"
        )
        attributes: dict[str, str | int] = {
            "astakos.event": claimed.recorded.event.kind,
            "astakos.delivery.attempt": claimed.delivery.attempts,
        }
        try:
            with self._span(name, attributes):
                self._send(claimed)
        except DeliveryError as error:
            return error
        except Exception as error:
            # The other deliveries must go on, and this one must not be tried for ever.
            log.exception("delivery %d met a defect of the code", claimed.delivery.id)
            return DeliveryError(f"a defect of the code: {type(error).__name__}")
        return None

    def _claim(self, connection: Connection, name: str) -> _Claimed | None:
        now = self._now()
        destination = destinations.find(connection, name)
        if destination is None or destination.disabled is not None:
            return None
        delivery = deliveries.claim(connection, name, now, now + CLAIM_SECONDS * MICROSECONDS)
        if delivery is None:
            return None
        (recorded,) = events.read(connection, events.Wanted(after=delivery.event - 1), 1)
        values, failure = None, None
        if name in BY_MAIL:
            try:
                values = values_of(connection, recorded, self._receivers.base_url, delivery.recipient)
                values |= self._link(connection, recorded)
            except DeliveryError as error:
                failure = error
        allowed = tuple(settings.find(connection, settings.WEBHOOK_NETWORKS, ()))
        return _Claimed(delivery, destination, recorded, values, failure, allowed)

    def _link(self, connection: Connection, recorded: RecordedEvent) -> dict[str, str]:
        """Returns the address of the link that an event is about, if any, with a secret that only it has.

        Raises:
            DeliveryError: the link has expired, was used, or was replaced.
        """
        number = (recorded.event.after or {}).get(LINK)
        address_of = WITH_LINK.get(recorded.event.kind)
        if address_of is None or not isinstance(number, int):
            return {}
        secret = new_secret_of(connection, number, self._now())
        if secret is None:
            raise DeliveryError("the link has ended", is_final=True)
        return {"link": address_of(self._receivers.base_url, secret)}

    def _send(self, claimed: _Claimed) -> None:
        if claimed.destination.name in BY_MAIL:
            self._send_mail(claimed)
        elif claimed.destination.name == LOG:
            # Whoever has chosen to do without mail is not warned of each notice.
            _write(claimed.recorded, logging.INFO if self._receivers.mailer is None else logging.WARNING)
        else:
            self._send_webhook(claimed)

    def _send_mail(self, claimed: _Claimed) -> None:
        mailer, recorded = self._receivers.mailer, claimed.recorded
        template = self._receivers.templates.get(template_name(recorded.event, claimed.destination.name))
        if mailer is None or template is None or claimed.values is None:
            raise DeliveryError("there is no mail server, or no template for this")
        message = worded_mail(template, claimed.values, recorded, claimed.delivery, mailer.sender)
        mailer.deliver(message)

    def _send_webhook(self, claimed: _Claimed) -> None:
        key, webhook, now = self._receivers.webhook_key, claimed.destination, self._now()
        if key is None or webhook.url is None:
            raise DeliveryError("there is no key of webhooks")
        secrets = [secret_of(key, webhook.name, webhook.generation)]
        if webhook.overlap_ends is not None and now < webhook.overlap_ends:
            secrets.append(secret_of(key, webhook.name, webhook.generation - 1))
        body = webhook_body(claimed.recorded)
        headers = signed_headers(secrets, f"evt_{claimed.recorded.number}", now // MICROSECONDS, body)
        headers = {"content-type": "application/json", "user-agent": "astakos", **headers}
        webhooks.send(webhook.url, headers, body, AllowedAddresses(claimed.allowed))

    def _settle(self, connection: Connection, claimed: _Claimed, failure: DeliveryError | None) -> None:
        delivery, now = claimed.delivery, self._now()
        destinations.count_attempt(connection, delivery.destination, failed=failure is not None)
        self._note(delivery.destination, failure)
        if failure is None:
            deliveries.settle(connection, delivery, DeliveryState.DELIVERED, now, now, None)
            return
        if failure.is_gone:
            self._disable(connection, delivery, failure)
            return
        due = None
        if not failure.is_final:
            due = next_attempt(delivery.attempts, now, claimed.recorded.time, self._chance())
        state = DeliveryState.DEAD if due is None else DeliveryState.PENDING
        if due is None:
            log.warning(
                "gave up delivery %d to %s: %s; see `astakos delivery show %d`",
                delivery.id,
                delivery.destination,
                failure,
                delivery.id,
            )
        deliveries.settle(connection, delivery, state, now if due is None else due, now, str(failure))

    def _disable(self, connection: Connection, delivery: Delivery, failure: DeliveryError) -> None:
        """Sends no more to a webhook. What could not be delivered is due once it is enabled."""
        now, name = self._now(), delivery.destination
        deliveries.settle(connection, delivery, DeliveryState.PENDING, now, now, str(failure))
        disable_webhook(connection, name, str(failure), now)
        log.warning(
            "the webhook %s %s; it gets nothing more until you run `astakos webhook enable %s`",
            name,
            failure,
            name,
        )

    def _note(self, destination: str, failure: DeliveryError | None) -> None:
        """Tells when deliveries to a destination begin to fail, and when they succeed again."""
        if failure is None:
            if destination in self._failing:
                self._failing.discard(destination)
                log.warning("deliveries to %s succeed again", destination)
        elif not (failure.is_final or failure.is_gone) and destination not in self._failing:
            self._failing.add(destination)
            log.warning("deliveries to %s fail and are repeated: %s", destination, failure)

    def forget(self) -> None:
        """Deletes deliveries that ended long ago."""
        now = self._now()
        for state, kept in ((DeliveryState.DELIVERED, KEPT_DELIVERED), (DeliveryState.DEAD, KEPT_DEAD)):
            while self._database.change(partial(deliveries.forget, state=state, before=now - kept)):
                pass


def _write(recorded: RecordedEvent, level: int) -> None:
    event = recorded.event
    facts = event.after or {}
    undelivered.log(
        level,
        "notice %d: %s, project %s, user %s, by %s%s",
        recorded.number,
        event.kind,
        event.project or "-",
        event.subject or "-",
        event.actor.user or event.actor.origin,
        "".join(f", {name} {facts[name]}" for name in TOLD_IN_LOG if name in facts),
    )
