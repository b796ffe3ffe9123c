"""Where messages go: what waits and fails, and what an administrator does about it."""

from collections.abc import Iterator
from functools import partial

import pytest

from astakos.administration.webhooks import add_webhook
from astakos.clock import DAY, now
from astakos.deliveries.deliverer import Deliverer, Receivers
from astakos.deliveries.templates import load_templates
from astakos.events.event import OPERATOR
from astakos.storage.tables import deliveries, destinations, settings
from astakos.storage.tables.deliveries import DeliveryState
from pages.http_visitor import HttpVisitor
from pages.scene import ADA, PASSWORD, ROOT, Scene
from pages.visitors import Visitor, log_in
from service.browser import Browser, page_of
from service.deliveries.webhook_receiver import Receiver, webhook_receiver
from service.installation import last_event, rows

WEBHOOKS = "/ui/admin/webhooks"
KEY = b"the key of the webhooks of pages"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as found:
        yield found


def added(scene: Scene, url: str, *kinds: str) -> str:
    scene.database.change(partial(settings.save, name=settings.WEBHOOK_NETWORKS, value=["127.0.0.0/8"]))
    made = partial(add_webhook, actor=OPERATOR, url=url, kinds=kinds, key=KEY, now=now())
    return scene.database.change(made).name


def sent(scene: Scene, name: str) -> None:
    """What the process that delivers does."""
    receivers = Receivers(scene.base_url, None, load_templates(None), KEY)
    Deliverer(scene.database, receivers, now, lambda: 0.5).work_through(name, lambda: False)


def test_a_webhook_is_tested_and_removed(visitor: Visitor, scene: Scene, receiver: Receiver) -> None:
    name = added(scene, receiver.url, "webhook")
    sent(scene, name)
    log_in(visitor, ROOT, "/ui/admin/now")
    visitor.open(WEBHOOKS)
    assert "active" in visitor.text
    visitor.follow(receiver.url)
    visitor.press("Send a test message")
    assert "A test message waits to be sent." in visitor.text
    assert "webhook.tested" in visitor.text
    receiver.status = 500
    sent(scene, name)
    visitor.open(f"{WEBHOOKS}/{name}")
    assert "fails" in visitor.text
    assert "answered 500" in visitor.text
    receiver.status = 200
    rows(scene.database, "UPDATE deliveries SET due = 0")
    sent(scene, name)
    assert [b"webhook.tested" in one.body for one in receiver.received] == [True, True], "each attempt, once"
    visitor.open(f"{WEBHOOKS}/{name}")
    assert "delivered" in visitor.text
    visitor.press("Remove")
    assert visitor.heading == "Remove this webhook?"
    visitor.press("Remove")
    assert visitor.path == WEBHOOKS
    assert "There are no webhooks." in visitor.text
    assert last_event(scene.database)[2:4] == ("webhook.removed", ROOT.uuid)


def test_one_that_is_gone_is_enabled(visitor: Visitor, scene: Scene, receiver: Receiver) -> None:
    name = added(scene, receiver.url)
    log_in(visitor, ROOT, f"{WEBHOOKS}/{name}")
    visitor.press("Send a test message")
    receiver.status = 410
    sent(scene, name)
    visitor.open("/ui/admin/now")
    assert "wants nothing more." in visitor.text
    visitor.follow(f"Messages to {receiver.url}")
    assert "Its receiver answered 410" in visitor.text
    visitor.press("Enable")
    assert "The webhook is enabled" in visitor.text
    assert last_event(scene.database)[2:4] == ("webhook.enabled", ROOT.uuid)


def test_what_was_given_up_is_tried_again_and_what_nobody_sends_is_told(scene: Scene) -> None:
    name = added(scene, "https://hook.example.org/")
    with_dead = partial(deliveries.plan, destination=name, recipients=[(1, "")], now=now() - DAY)
    scene.database.change(with_dead)
    rows(scene.database, "UPDATE deliveries SET state = 'dead', error = 'answered 500'")
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, f"{WEBHOOKS}/{name}")
    assert "gave up 1" in visitor.text
    visitor.press("Try again what was given up")
    assert "1 message is tried again." in visitor.text
    rows(scene.database, "UPDATE deliveries SET due = ?", now() - DAY)
    visitor.open(f"{WEBHOOKS}/{name}")
    assert "Is the service started with --webhook-key?" in visitor.text


def test_mail_is_shown_as_well_and_cannot_be_removed(scene: Scene) -> None:
    mail = destinations.Destination(destinations.MAIL, None, (), 1, None, now(), 0)
    scene.database.change(lambda connection: destinations.add(connection, mail))
    scene.database.change(
        partial(deliveries.plan, destination="mail", recipients=[(1, ADA.email)], now=now())
    )
    visitor = HttpVisitor(scene)
    log_in(visitor, ROOT, WEBHOOKS)
    visitor.follow("Mail")
    assert ADA.email in visitor.text
    assert "Remove" not in visitor.text
    assert acted(scene, "mail", "remove") == acted(scene, "mail", "test") == 404
    assert [one.name for one in scene.database.read(destinations.list_all)] == ["mail"]


def acted(scene: Scene, name: str, action: str) -> int:
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(ROOT.email, PASSWORD)
    proof = page_of(browser.visit(f"{scene.base_url}{WEBHOOKS}")).proof
    form = {**proof, "confirmed": "yes"}
    return browser.send("POST", f"{scene.base_url}{WEBHOOKS}/{name}/{action}", form).status


@pytest.mark.parametrize(
    ("name", "action", "status"),
    [
        ("unknown", "remove", 404),
        ("unknown", "test", 404),
        ("unknown", "retry", 404),
        ("hook", "enable", 409),
    ],
)
def test_what_cannot_be_is_refused(scene: Scene, name: str, action: str, status: int) -> None:
    hook = destinations.Destination("hook", "https://hook.example.org/", (), 1, None, now(), 0)
    scene.database.change(lambda connection: destinations.add(connection, hook))
    assert acted(scene, name, action) == status
    assert [one.name for one in scene.database.read(destinations.list_all)] == ["hook"]


def test_a_disabled_one_is_not_tested(scene: Scene) -> None:
    hook = destinations.Destination("hook", "https://hook.example.org/", (), 1, None, now(), 0)
    scene.database.change(lambda connection: destinations.add(connection, hook))
    scene.database.change(lambda connection: destinations.disable(connection, "hook", now()))
    assert acted(scene, "hook", "test") == 409
    assert scene.database.read(deliveries.count).get(("hook", DeliveryState.PENDING)) is None
