"""Tables of what is registered: components, their services and endpoints, resources and their meters."""

from sqlalchemy import UniqueConstraint

from astakos.ledger.rules import UNLIMITED
from astakos.storage.schema.definition.parts import (
    binary,
    flag,
    identifier,
    number,
    own_token,
    reference,
    table,
    text,
)

components = table(
    "components",
    identifier(),
    text("name", unique=True),
    text("ui_url", nullable=True),
    text("base_url", nullable=True),
    text("menu"),
    *own_token(),
    # JSON: a list of names, or "all"; see `directory/charging_rights.py`.
    text("may_charge", nullable=True),
)

# Tokens besides the one in the component's own row.
component_tokens = table(
    "component_tokens",
    identifier(),
    reference("component_id", "components.id"),
    text("name"),
    binary("token_hash", unique=True),
    number("created"),
    number("expires", nullable=True),
    UniqueConstraint("component_id", "name"),
)

services = table(
    "services",
    identifier(),
    text("name", unique=True),
    text("type"),
    reference("component_id", "components.id"),
)

endpoints = table("endpoints", identifier(), reference("service_id", "services.id"), text("data"))

resources = table(
    "resources",
    identifier(),
    text("name", unique=True),
    reference("service_id", "services.id"),
    text("unit", nullable=True),
    text("description"),
    number("system_default"),
    number("project_default"),
    flag("ui_visible"),
    flag("api_visible"),
    # Quantities are integers; one of the unit is 10 ** scale of them.
    number("scale", default=0),
    # By how much a settlement may take usage beyond a limit; the default is no bound.
    number("max_debt", default=UNLIMITED),
    # JSON: percentages of a limit that are told when they are reached; null for those of its kind.
    text("thresholds", nullable=True),
    # Whether limits only report what they would refuse.
    flag("shadow", default=False),
)

# Resources that count imports of others in a time. `definition` is JSON (`ledger/meter_definitions.py`).
meters = table(
    "meters",
    reference("resource_id", "resources.id", primary_key=True),
    text("definition"),
)
