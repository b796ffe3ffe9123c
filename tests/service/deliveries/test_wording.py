"""What others wrote neither adds headers to a mail, nor hides or forges what it says."""

from dataclasses import replace

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.deliveries.outcomes import DeliveryError
from astakos.deliveries.templates import load_templates
from astakos.deliveries.wording import mail, values_of
from astakos.events.event import OPERATOR, SERVICE, Event, RecordedEvent
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import projects, users
from astakos.storage.tables.deliveries import Delivery, DeliveryState
from service.world import BASE_URL, BOB, LAB, LOADED, PAST

TEMPLATES = load_templates(None)
INJECTED = "lab\r\nBcc: evil@example.org\u2028\r\n\r\nmoc.kcatta\u202e\x1b]0;x\x07"
SHOWN = "lab Bcc: evil@example.org moc.kcatta]0;x"


def recorded(kind: str, reason: str = "") -> RecordedEvent:
    return RecordedEvent(1, 0, Event(kind, OPERATOR, LAB, BOB.uuid, reason), bytes(32))


def delivery(recipient: str = BOB.email) -> Delivery:
    return Delivery(1, "mail", 1, recipient, DeliveryState.PENDING, 1, 0, 0, None)


def rename_all(connection: Connection) -> None:
    project, user = projects.find(connection, LAB), users.find_by_uuid(connection, BOB.uuid)
    assert project is not None
    assert user is not None
    projects.save(connection, replace(project, name=INJECTED))
    users.save(connection, replace(user, first_name=INJECTED, last_name=""))


@pytest.mark.parametrize("kind", TEMPLATES)
def test_no_name_adds_a_header_or_a_line(database: Database, kind: str) -> None:
    database.change(rename_all)
    event = recorded(kind)
    values = values_of(database.reader(), event, BASE_URL, BOB.email)
    message = mail(TEMPLATES[kind], values, event, delivery(), "astakos@example.org")
    assert "Bcc" not in message
    assert message["To"] == BOB.email
    shown = f"{message['Subject']}\n{message.get_content()}"
    # Pending commissions are those of a component, a key is that of the reader, and who has a new address
    # may be anybody.
    names_nobody = kind in ("commission.overdue", "user.address_requested") or kind.endswith(".key")
    assert (SHOWN in shown) is not names_nobody
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert not any(line.startswith("Bcc") for line in shown.splitlines())


def test_the_further_lines_of_a_reason_are_indented(database: Database) -> None:
    event = recorded("application.denied", "too large\r\n\r\nYour password ends: http://evil\u202e")
    text = TEMPLATES["application.denied"].text_with(values_of(database.reader(), event, BASE_URL, BOB.email))
    assert "Reason: too large\n  \n  Your password ends: http://evil\n" in text


def test_limits_are_told_in_the_unit_of_the_resource(database: Database) -> None:
    entry = ResourceEntry(name="llm.cost", service="compute_api", unit="USD", scale=6)
    load(database, StateDocument(resources=[entry]), LOADED)
    after = {"resource": "llm.cost", "usage": 10_000_000, "limit": 12_500_000, "percent": 80, "resets": PAST}
    event = RecordedEvent(1, 0, Event("quota.reached", SERVICE, LAB, BOB.uuid, after=after), bytes(32))
    values = values_of(database.reader(), event, BASE_URL, BOB.email)
    template = TEMPLATES["quota.reached"]
    assert template.subject_with(values) == "80 % of llm.cost in lab.example.org used"
    text = template.text_with(values)
    assert "10 USD of llm.cost are used. The limit is 12.5 USD.\n" in text
    assert "that would take usage beyond the limit are refused, unless grants have room" in text
    assert f"resets    {PAST}\n" in text
    own = event._replace(event=event.event._replace(project=BOB.uuid))
    values = values_of(database.reader(), own, BASE_URL, BOB.email)
    assert template.subject_with(values) == "80 % of llm.cost in your own project used"
    stays = event._replace(event=event.event._replace(after={**after, "resets": None, "resource": "gone"}))
    values = values_of(database.reader(), stays, BASE_URL, BOB.email)
    assert (values["usage"], values["limit"], values["resets"]) == ("", "", "not by itself")


@pytest.mark.parametrize(
    "recipient",
    ["a,b@example.org", "Bob <b@example.org", "b\u202e@example.org", "b@example.org;c", "a:b@c.d", "b"],
)
def test_what_is_not_one_address_gets_no_mail(database: Database, recipient: str) -> None:
    event = recorded("application.denied")
    values = values_of(database.reader(), event, BASE_URL, BOB.email)
    with pytest.raises(DeliveryError, match="is not an address that mail can be sent to") as caught:
        mail(TEMPLATES["application.denied"], values, event, delivery(recipient), "a@example.org")
    assert caught.value.is_final
