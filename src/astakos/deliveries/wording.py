"""What a mail says of an event: the values of its template, read when it is sent."""

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from email.message import EmailMessage
from email.utils import format_datetime

from astakos.clock import EPOCH, to_iso
from astakos.deliveries.outcomes import DeliveryError
from astakos.deliveries.readable_text import one_line, readable
from astakos.deliveries.reader_pages import page_for
from astakos.deliveries.templates import MailTemplate
from astakos.directory.mail_addresses import is_one_address
from astakos.events.documents import document_of
from astakos.events.event import RecordedEvent
from astakos.storage.protocol import Connection
from astakos.storage.tables import feedback, projects, registry, users
from astakos.storage.tables.deliveries import Delivery

NONE_GIVEN = "none given"
OPERATOR_NAME = "an operator"
OWN_PROJECT = "your own project"
"""What a system project is called: its name contains the user's uuid."""
NOT_BY_ITSELF = "not by itself"


def values_of(
    connection: Connection, recorded: RecordedEvent, base_url: str, recipient: str
) -> dict[str, str]:
    """Returns the values that templates can contain: readable, and of one line but for texts.

    Args:
        connection: a connection.
        recorded: the event.
        base_url: the base URL of the service.
        recipient: the address that the mail is sent to.

    Raises:
        DeliveryError: a message of a user is no longer stored.
    """
    event = recorded.event
    project = None if event.project is None else projects.find(connection, event.project)
    subject = None if event.subject is None else users.find_by_uuid(connection, event.subject)
    actor = None if event.actor.user is None else users.find_by_uuid(connection, event.actor.user)
    details = {**(event.before or {}), **(event.after or {})}
    message, data = _feedback(connection, details.get("feedback"))
    resource = registry.find_resource(connection, str(details.get("resource", "")))

    def amount(name: str) -> str:
        """Returns an amount in the unit of the resource."""
        quantity = details.get(name)
        if not isinstance(quantity, int) or resource is None:
            return ""
        shown = format(Decimal(quantity).scaleb(-resource.scale).normalize(), "f")
        return f"{shown} {resource.unit or ''}".strip()

    values = {
        "actor": OPERATOR_NAME if actor is None else f"{actor.name.strip()} ({actor.email})",
        "address": "" if subject is None else subject.email,
        "component": str(details.get("component", "")),
        "end_date": str(details.get("end_date") or details.get("expires", "")),
        "key": str(details.get("key", "")),
        "left": amount("left"),
        "limit": amount("limit"),
        "link": "",
        "new_address": str(details.get("email", "")),
        "name": "" if subject is None else subject.name.strip() or subject.email,
        "number": str(details.get("application") or details.get("commissions", "")),
        "page": f"{base_url}{page_for(connection, event, recipient)}",
        "percent": str(details.get("percent", "")),
        "project": "" if project is None else OWN_PROJECT if project.system_project else project.name,
        "project_id": event.project or "",
        "resets": str(details.get("resets") or NOT_BY_ITSELF),
        "resource": str(details.get("resource", "")),
        "time": to_iso(recorded.time),
        "url": base_url,
        "usage": amount("usage"),
        "user_id": event.subject or "",
    }
    texts = {"data": readable(data), "message": readable(message), "reason": _reason(event.reason)}
    return {name: one_line(value) for name, value in values.items()} | texts


def _reason(text: str) -> str:
    """Returns a reason whose further lines are indented, so that they do not look like the text around it."""
    return readable(text).strip().replace("\n", "\n  ") or NONE_GIVEN


def _feedback(connection: Connection, identifier: object) -> tuple[str, str]:
    if not isinstance(identifier, int):
        return "", ""
    found = feedback.find(connection, identifier)
    if found is None:
        raise DeliveryError("the message is no longer stored", is_final=True)
    return found


def mail(
    template: MailTemplate,
    values: Mapping[str, str],
    recorded: RecordedEvent,
    delivery: Delivery,
    sender: str,
) -> EmailMessage:
    """Returns the mail about an event to one recipient; it is the same whenever it is sent again.

    Raises:
        DeliveryError: the recipient is not one address.
    """
    if not is_one_address(delivery.recipient):
        told = f"{delivery.recipient!r} is not an address that mail can be sent to; correct that of the user"
        raise DeliveryError(told, is_final=True)
    message = EmailMessage()
    message["Subject"] = template.subject_with(values)
    message["From"] = sender
    message["To"] = delivery.recipient
    message["Date"] = format_datetime(EPOCH + timedelta(microseconds=recorded.time))
    domain = sender.rpartition("@")[2].strip("> ") or "astakos"
    message["Message-ID"] = f"<event-{recorded.number}.{delivery.id}.{recorded.hash.hex()[:12]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if recorded.event.kind == "feedback.sent" and is_one_address(values["address"]):
        message["Reply-To"] = values["address"]
    message.set_content(template.text_with(values))
    return message


def webhook_body(recorded: RecordedEvent) -> bytes:
    """Returns the body of a webhook, in the form that Standard Webhooks recommends."""
    document = document_of(recorded)
    body = {"type": recorded.event.kind, "timestamp": document["time"], "data": document}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
