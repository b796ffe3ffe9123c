"""Tables of the audit log, and of where its events are delivered."""

from sqlalchemy import Column, ForeignKey, Index, Text

from astakos.storage.schema.definition.parts import binary, identifier, number, reference, table, text

# The audit log: rows are added and never changed. Each hash covers its row and the hash of the row before.
events = table(
    "events",
    number("id", primary_key=True),
    number("time"),
    text("kind"),
    text("actor", nullable=True),
    text("origin"),
    text("project", nullable=True),
    text("subject", nullable=True),
    text("reason"),
    text("before", nullable=True),
    text("after", nullable=True),
    binary("hash"),
    text("key", nullable=True),
    Index("events_of_project", "project", "id"),
    Index("events_about_user", "subject", "id"),
    Index("events_by_actor", "actor", "id"),
    Index("events_of_kind", "kind", "id"),
    Index("events_by_time", "time", "id"),
)

# Where events are delivered: `mail`, `members`, `log`, and webhooks, which have a URL. The secrets of
# webhooks are derived from a key outside the database.
destinations = table(
    "destinations",
    text("name", primary_key=True),
    text("url", nullable=True),
    text("kinds"),
    number("generation"),
    number("overlap_ends", nullable=True),
    number("created"),
    number("planned"),
    number("attempts"),
    number("failures"),
    number("planned_member", default=0),
    number("disabled", nullable=True),
)

deliveries = table(
    "deliveries",
    identifier(),
    Column("destination", Text, ForeignKey("destinations.name"), nullable=False),
    reference("event", "events.id"),
    text("recipient"),
    text("state"),
    number("attempts"),
    number("due"),
    number("changed"),
    text("error", nullable=True),
    Index("deliveries_due", "destination", "state", "due"),
    Index("deliveries_by_change", "state", "changed"),
)
