import base64
import hashlib
import hmac
import json
import logging
import re
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from astakos.administration.password_links import ask_for_recovery, user_of_link
from astakos.administration.webhooks import add_webhook, enable_webhook, retry_delivery, rotate_webhook
from astakos.clock import DAY, MICROSECONDS
from astakos.deliveries import planning
from astakos.deliveries.deliverer import CLAIM_SECONDS, KEPT_DELIVERED, Deliverer, Receivers
from astakos.deliveries.mail import Mailer
from astakos.deliveries.pacing import LONGEST_AGE, MOST_ATTEMPTS
from astakos.deliveries.templates import load_templates
from astakos.deliveries.worker import Rounds
from astakos.events.event import OPERATOR, SERVICE, Actor, Event
from astakos.events.webhook_signatures import secret_of
from astakos.processes.listening import LOOPBACK, listen
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import deliveries, destinations, events, settings
from astakos.storage.tables.deliveries import Delivery, DeliveryState
from astakos.storage.tables.destinations import MAIL
from service.deliveries.mail_server import MailServer, mail_server
from service.deliveries.webhook_receiver import Received, Receiver, webhook_receiver
from service.installation import all_rows
from service.tracing.recorded import Recorded
from service.world import ALICE, BASE_URL, BOB, CHLOE, EDGAR, LAB

pytestmark = pytest.mark.every_engine

KEY = b"the key of the webhooks of tests"
NOW = 2_000_000_000 * MICROSECONDS
APPROVED = Event("application.approved", OPERATOR, LAB, BOB.uuid, "fine", None, {"application": 7})
REQUESTED = Event("membership.requested", Actor(EDGAR.uuid, "192.0.2.7"), LAB, EDGAR.uuid)


class World:
    """A database, its deliverer, and a clock."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self.receivers = Receivers(BASE_URL, None, load_templates(None), KEY)
        self.recorded = Recorded()

    def deliverer(self) -> Deliverer:
        return Deliverer(
            self.database, self.receivers, lambda: self.now, lambda: 0.5, self.recorded.tracer.client_span
        )

    def mail_through(self, mailer: Mailer) -> None:
        self.receivers = Receivers(BASE_URL, mailer, self.receivers.templates, KEY)
        self.work()

    def hook(self, url: str, *kinds: str) -> str:
        self.database.change(lambda c: settings.save(c, settings.WEBHOOK_NETWORKS, ["127.0.0.0/8"]))
        return self.database.change(
            partial(add_webhook, actor=OPERATOR, url=url, kinds=kinds, key=KEY, now=self.now)
        ).name

    def happen(self, *happened: Event) -> int:
        return self.database.change(partial(events.record_all, happened=happened, now=self.now))

    def work(self) -> None:
        """One round of work, on this thread."""
        deliverer = self.deliverer()
        for name in deliverer.destinations_with_work():
            deliverer.work_through(name, lambda: False)

    def planned(self) -> list[Delivery]:
        return deliveries.list_newest(self.database.reader(), 100)[::-1]


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as found:
        yield found


def test_a_link_is_mailed_with_a_secret_that_nothing_else_has(world: World, server: MailServer) -> None:
    world.mail_through(server.mailer)
    world.database.change(partial(ask_for_recovery, origin="192.0.2.7", address=ALICE.email, now=world.now))
    world.work()
    message = server.message()
    assert message["To"] == ALICE.email
    found = re.search(rf"{re.escape(BASE_URL)}/ui/password\?link=(\S{{43}})\s", message.get_content())
    assert found is not None
    user = user_of_link(world.database.reader(), found[1], world.now)
    assert user is not None
    assert user.uuid == ALICE.uuid
    assert found[1] not in repr(all_rows(world.database))


def test_a_link_that_has_ended_is_not_mailed(world: World, server: MailServer) -> None:
    world.work()
    world.mail_through(server.mailer)
    world.database.change(partial(ask_for_recovery, origin="192.0.2.7", address=ALICE.email, now=world.now))
    world.now += 2 * 3600 * MICROSECONDS
    world.work()
    (delivery,) = world.planned()
    assert (delivery.state, delivery.error) == ("dead", "the link has ended")


def test_people_are_told_by_mail_of_what_others_did(world: World, server: MailServer) -> None:
    world.happen(APPROVED)
    world.mail_through(server.mailer)
    world.happen(
        APPROVED, APPROVED._replace(actor=Actor(BOB.uuid, "192.0.2.7")), Event("user.changed", OPERATOR)
    )
    world.work()
    message = server.message()
    assert (message["To"], message["From"]) == (BOB.email, "astakos@example.org")
    assert message["Subject"] == "Your application for lab.example.org was approved"
    text = message.get_content()
    for part in ("Hello Bob", "Reason: fine", LAB, BASE_URL):
        assert part in text
    (delivery,) = (one for one in world.planned() if one.destination == MAIL)
    assert (delivery.state, delivery.attempts, delivery.recipient) == (DeliveryState.DELIVERED, 1, BOB.email)


@pytest.mark.parametrize(
    ("event", "recipients"),
    [
        (REQUESTED, [ALICE.email]),
        (Event("application.submitted", Actor(BOB.uuid, ""), LAB, BOB.uuid), [CHLOE.email]),
        (Event("membership.removed", OPERATOR, LAB, BOB.uuid), [BOB.email]),
        (Event("project.terminated", OPERATOR, LAB), [ALICE.email]),
        (Event("project.terminated", Actor(ALICE.uuid, ""), LAB), []),
        (Event("project.suspended", OPERATOR, LAB), [ALICE.email]),
        (Event("project.activated", OPERATOR, LAB, before={"state": "suspended"}), [ALICE.email]),
        (Event("project.activated", OPERATOR, LAB, before={"state": "uninitialized"}), []),
        (Event("project.handed_over", Actor(ALICE.uuid, ""), LAB, BOB.uuid), [BOB.email]),
        (Event("feedback.sent", Actor(BOB.uuid, ""), None, BOB.uuid), ["help@example.org"]),
        (Event("membership.created", OPERATOR, LAB, BOB.uuid), []),
    ],
)
def test_each_notice_has_its_audience(
    world: World, server: MailServer, event: Event, recipients: list[str]
) -> None:
    world.mail_through(server.mailer)
    world.happen(event)
    world.work()
    assert [one.recipient for one in world.planned() if one.destination == MAIL] == recipients


def test_the_limit_of_a_key_is_told_to_its_user(
    world: World, server: MailServer, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "astakos.notices")
    facts = {"key": "astk_aaaaaaaa", "resource": "compute.vm", "usage": 8, "limit": 10, "percent": 80}
    world.work()
    number = world.happen(Event("quota.reached", SERVICE, None, BOB.uuid, after=facts))
    world.work()
    (told,) = caplog.messages
    assert told.startswith(f"notice {number}: quota.reached, project -, user {BOB.uuid}, by service")
    assert told.endswith(", resource compute.vm, percent 80, key astk_aaaaaaaa")
    world.hook(receiver.url)
    world.mail_through(server.mailer)
    refused = {name: value for name, value in facts.items() if name != "percent"}
    world.happen(Event("quota.refused", SERVICE, LAB, BOB.uuid, after=refused))
    world.work()
    message = server.message()
    assert message["To"] == BOB.email
    assert message["Subject"] == "Your key astk_aaaaaaaa: a request for compute.vm was refused"
    assert json.loads(receiver.received[0].body)["data"]["after"]["key"] == "astk_aaaaaaaa"


def test_what_cannot_be_delivered_now_is_tried_again_later(world: World) -> None:
    with listen(LOOPBACK, 0) as listener:
        port = listener.getsockname()[1]
    world.mail_through(Mailer.from_url(f"smtp://{LOOPBACK}:{port}", "astakos@example.org"))
    world.happen(APPROVED)
    world.work()
    (delivery,) = world.planned()
    assert (delivery.state, delivery.attempts, delivery.due) == ("pending", 1, NOW + 5 * MICROSECONDS)
    assert "refused the connection" in str(delivery.error)
    world.work()
    assert world.planned() == [delivery]
    with mail_server() as server:
        world.mail_through(server.mailer)
        world.now = delivery.due
        world.work()
        assert server.message()["To"] == BOB.email
    (delivery,) = world.planned()
    assert (delivery.state, delivery.attempts, delivery.error) == ("delivered", 2, None)


def test_what_fails_too_often_is_dead_until_it_is_repeated(world: World, receiver: Receiver) -> None:
    world.hook(receiver.url)
    receiver.status = 500
    number = world.happen(APPROVED)
    world.work()
    while (found := world.planned()[0]).state is DeliveryState.PENDING:
        world.now = found.due
        world.work()
    assert found.attempts <= MOST_ATTEMPTS
    assert (found.state, found.error) == ("dead", "answered 500")
    receiver.status = 200
    world.database.change(partial(retry_delivery, actor=OPERATOR, identifier=found.id, now=world.now))
    world.work()
    (again,) = world.planned()
    assert (again.state, again.attempts) == ("delivered", 1)
    # The same message, for receivers that want each only once.
    assert {one.headers["webhook-id"] for one in receiver.received} == {f"evt_{number}"}


def test_what_cannot_succeed_is_dead_at_once(world: World) -> None:
    with mail_server("550 unknown") as server:
        world.mail_through(server.mailer)
        world.happen(APPROVED)
        world.work()
    (delivery,) = world.planned()
    assert (delivery.state, delivery.attempts) == ("dead", 1)


def test_a_webhook_whose_receiver_is_gone_gets_nothing_until_it_is_enabled(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    name = world.hook(receiver.url)
    receiver.status = 410
    world.happen(APPROVED, REQUESTED)
    world.work()
    world.happen(APPROVED)
    world.now += DAY
    world.work()
    assert len(receiver.received) == 1
    assert [(one.state, one.error) for one in world.planned()] == [
        ("pending", "answered 410: the receiver is gone"),
        ("pending", None),
    ]
    reader = world.database.reader()
    found = destinations.find(reader, name)
    assert found is not None
    assert found.disabled == NOW
    (disabled,) = events.read(reader, events.Wanted(kind="webhook.disabled"), 2)
    assert disabled.event.after == {"webhook": name}
    assert f"run `astakos webhook enable {name}`" in caplog.text
    receiver.status = 200
    world.database.change(partial(enable_webhook, actor=OPERATOR, name=name, now=world.now))
    world.work()
    sent = [json.loads(one.body)["type"] for one in receiver.received[1:]]
    assert sent == ["application.approved", "membership.requested", "application.approved"]
    assert {one.state for one in world.planned()} == {DeliveryState.DELIVERED}


def test_what_a_disabled_webhook_is_not_told_is_logged(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "astakos.notices")
    world.hook(receiver.url)
    receiver.status = 410
    world.happen(APPROVED)
    world.work()
    number = world.happen(REQUESTED)
    world.work()
    assert f"notice {number}: membership.requested" in caplog.text


def signature(secret: bytes, received: Received) -> str:
    headers = received.headers
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + received.body
    return f"v1,{base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()}"


def test_webhooks_receive_chosen_events_signed(world: World, receiver: Receiver) -> None:
    name = world.hook(receiver.url, "user", "membership.requested")
    world.happen(APPROVED, Event("user.changed", OPERATOR, None, BOB.uuid, "", {"a": 1}, {"a": 2}), REQUESTED)
    world.work()
    documents: list[Any] = [json.loads(one.body) for one in receiver.received]
    assert [one["type"] for one in documents] == ["user.changed", "membership.requested"]
    assert documents[0]["timestamp"] == "2033-05-18T03:33:20+00:00"
    assert documents[0]["data"]["after"] == {"a": 2}
    assert receiver.received[0].headers["webhook-timestamp"] == "2000000000"
    assert receiver.received[0].headers["content-type"] == "application/json"
    for one in receiver.received:
        assert one.headers["webhook-signature"] == signature(secret_of(KEY, name, 1), one)


def test_an_old_secret_signs_as_well_until_the_overlap_ends(world: World, receiver: Receiver) -> None:
    name = world.hook(receiver.url)
    world.database.change(
        partial(rotate_webhook, actor=OPERATOR, name=name, key=KEY, overlap_hours=24, now=world.now)
    )
    old, new = (secret_of(KEY, name, generation) for generation in (1, 2))
    for secrets in ([new, old], [new]):
        world.happen(APPROVED)
        world.work()
        received = receiver.received[-1]
        signatures = received.headers["webhook-signature"].split(" ")
        assert signatures == [signature(secret, received) for secret in secrets]
        world.now += DAY


class KilledError(Exception):
    """Stands for the end of the process."""


def test_a_crash_between_delivery_and_its_record_delivers_again(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = world.hook(receiver.url)
    world.happen(APPROVED)

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(Deliverer, "_settle", die)
        with pytest.raises(KilledError):
            world.work()
    assert len(receiver.received) == 1
    world.work()
    assert len(receiver.received) == 1, "it is still claimed"
    world.now += CLAIM_SECONDS * MICROSECONDS
    world.work()
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert world.planned()[0].state is DeliveryState.DELIVERED
    assert not world.deliverer().deliver_one(name)


def test_a_delivery_is_claimed_by_one(world: World, receiver: Receiver) -> None:
    name = world.hook(receiver.url)
    world.happen(*[APPROVED] * 3)
    world.database.change(partial(planning.plan, name=name, now=world.now, has_mail=False))
    claimed: list[int] = []

    def claim(connection: Connection) -> Delivery | None:
        return deliveries.claim(connection, name, world.now, world.now + 1)

    def claim_all() -> None:
        while (found := world.database.change(claim)) is not None:
            claimed.append(found.id)
        world.database.close()

    threads = [threading.Thread(target=claim_all) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [one.id for one in world.planned()]


def test_who_comes_late_does_not_overwrite_the_outcome(world: World, receiver: Receiver) -> None:
    name = world.hook(receiver.url)
    world.happen(APPROVED)
    world.database.change(partial(planning.plan, name=name, now=world.now, has_mail=False))
    late = world.database.change(lambda c: deliveries.claim(c, name, world.now, world.now))
    assert late is not None
    world.work()
    world.database.change(lambda c: deliveries.settle(c, late, DeliveryState.DEAD, 0, 0, "late"))
    assert world.planned()[0].state is DeliveryState.DELIVERED


def test_a_destination_that_hangs_holds_up_no_other(world: World, receiver: Receiver) -> None:
    with listen(LOOPBACK, 0) as silent:
        url = f"smtp://{LOOPBACK}:{silent.getsockname()[1]}"
        world.mail_through(Mailer.from_url(url, "astakos@example.org"))
        world.hook(receiver.url)
        world.happen(APPROVED)
        rounds = Rounds(world.deliverer())
        rounds.look()
        connection, _ = silent.accept()
        for _ in range(300):
            if receiver.received:
                break
            threading.Event().wait(0.05)
        assert len(receiver.received) == 1
        assert {one.state for one in world.planned() if one.destination == "mail"} == {DeliveryState.PENDING}
        connection.close()
        rounds.end()
    assert world.planned()[0].error is not None or world.planned()[1].error is not None


def test_it_ends_although_the_database_hangs() -> None:
    looking, let_go = threading.Event(), threading.Event()

    class Hanging:
        def destinations_with_work(self) -> list[str]:
            looking.set()
            let_go.wait(60)
            return ["mail"]

        def forget(self) -> None: ...

        def work_through(self, *_: object) -> None:
            raise AssertionError("it began something after its end")

    rounds = Rounds(Hanging())  # type: ignore[arg-type]
    thread = threading.Thread(target=rounds.run)
    thread.start()
    assert looking.wait(20)
    rounds.end()
    assert thread.is_alive()
    let_go.set()
    thread.join(20)
    assert not thread.is_alive()
    assert not rounds._threads


def test_what_is_pending_is_bounded_and_the_rest_waits_in_the_log(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST_PENDING", 2)
    name = world.hook(receiver.url)
    receiver.status = 500
    last = world.happen(*[APPROVED] * 5)
    world.work()
    assert len(world.planned()) == 2
    receiver.status = 200
    for _ in range(2):
        world.now += 60 * MICROSECONDS
        world.work()
        world.work()
    found = destinations.find(world.database.reader(), name)
    assert found is not None
    assert found.planned == last
    assert {one.state for one in world.planned()} == {DeliveryState.DELIVERED}
    assert (len(world.planned()), found.attempts, found.failures) == (5, 7, 2)


def test_what_is_too_old_is_not_delivered(world: World, receiver: Receiver) -> None:
    world.hook(receiver.url)
    world.happen(APPROVED)
    world.now += LONGEST_AGE + 1
    world.work()
    assert world.planned() == []


def test_without_anybody_to_tell_notices_are_logged(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "astakos.notices")
    world.work()
    number = world.happen(APPROVED, Event("user.changed", OPERATOR)) - 1
    world.work()
    assert caplog.messages == [
        f"notice {number}: application.approved, project {LAB}, user {BOB.uuid}, by command"
    ]
    assert [one.levelname for one in caplog.records] == ["INFO"], "nobody is warned who has chosen so"
    world.hook(receiver.url)
    world.happen(APPROVED)
    world.work()
    assert len(caplog.messages) == 1
    assert len(receiver.received) == 1


def test_what_neither_mail_nor_a_webhook_tells_is_logged(
    world: World, receiver: Receiver, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    world.hook(receiver.url, "user", "project.modified", "membership.accepted")
    world.mail_through(server.mailer)
    by_the_owner = Event("membership.requested", Actor(ALICE.uuid, "192.0.2.7"), LAB, EDGAR.uuid)
    accepted = Event("membership.accepted", Actor(BOB.uuid, ""), LAB, BOB.uuid)
    untold = world.happen(APPROVED, accepted, by_the_owner)
    world.work()
    assert caplog.messages == [
        f"notice {untold}: membership.requested, project {LAB}, user {EDGAR.uuid}, by {ALICE.uuid}"
    ]
    assert caplog.records[0].levelname == "WARNING"
    assert [json.loads(one.body)["type"] for one in receiver.received] == ["membership.accepted"]
    assert server.message()["To"] == BOB.email


def test_what_happened_before_mail_was_set_up_is_logged(
    world: World, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    world.work()
    world.happen(APPROVED)
    world.now += MICROSECONDS
    world.mail_through(server.mailer)
    world.work()
    assert ["application.approved" in one for one in caplog.messages] == [True]
    assert server.messages == []


def test_webhooks_wait_for_their_key(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    world.hook(receiver.url)
    world.happen(APPROVED)
    world.receivers = Receivers(BASE_URL, None, world.receivers.templates, None)
    world.work()
    assert receiver.received == []
    assert "webhooks wait: start the service with --webhook-key" in caplog.text


def test_what_has_ended_long_ago_is_forgotten(world: World, receiver: Receiver) -> None:
    world.hook(receiver.url)
    world.happen(APPROVED)
    world.work()
    world.now += KEPT_DELIVERED
    world.deliverer().forget()
    assert len(world.planned()) == 1
    world.now += 1
    world.deliverer().forget()
    assert world.planned() == []


def test_a_defect_ends_one_delivery_and_no_other(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hook(receiver.url)
    world.happen(APPROVED)
    monkeypatch.setattr(Deliverer, "_send", lambda *_: 1 / 0)
    world.work()
    (delivery,) = world.planned()
    assert (delivery.state, delivery.error) == ("pending", "a defect of the code: ZeroDivisionError")


def test_secrets_show_up_nowhere(world: World) -> None:
    assert KEY.decode() not in repr(world.receivers)


def test_each_attempt_is_a_span_that_tells_nothing_about_people(
    world: World, server: MailServer, receiver: Receiver
) -> None:
    name = world.hook(receiver.url)
    world.mail_through(server.mailer)
    world.happen(APPROVED)
    receiver.status = 500
    world.work()
    mail, hook = sorted(world.recorded.spans(), key=lambda span: span.name != "deliver mail")
    assert mail.attributes == {"astakos.event": APPROVED.kind, "astakos.delivery.attempt": 1}
    assert (hook.name, hook.attributes) == (
        f"deliver {name}",
        {"astakos.event": APPROVED.kind, "astakos.delivery.attempt": 1, "error.type": "DeliveryError"},
    )
    told = mail.to_json() + hook.to_json()
    assert [one for one in (BOB.email, BOB.uuid, LAB, receiver.host, "fine") if one in told] == []
