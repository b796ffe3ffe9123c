"""What is registered, as entries of a document: whoever changes a part of it keeps the rest."""

from astakos.administration.state_document import ComponentEntry, ResourceEntry
from astakos.directory.entities import Component, Resource
from astakos.ledger.meter_definitions import SEPARATOR, Kind, MeterDefinition
from astakos.ledger.periods import Unit

LABELS = {Kind.BUDGET: "{}", Kind.RATE: "per-{}", Kind.WINDOW: "{}-window"}


def entry_of_resource(known: Resource, meter: MeterDefinition | None) -> ResourceEntry:
    """Returns the entry of a resource as it is."""
    return ResourceEntry(
        name=known.name,
        service=known.service,
        unit=known.unit,
        scale=known.scale,
        description=known.description,
        system_default=known.system_default,
        project_default=known.project_default,
        ui_visible=known.ui_visible,
        api_visible=known.api_visible,
        max_debt=known.max_debt,
        thresholds=None if known.thresholds is None else list(known.thresholds),
        shadow=known.shadow,
        meter=meter,
    )


def entry_of_component(known: Component) -> ComponentEntry:
    """Returns the entry of a component as it is, without its tokens, which stay."""
    right = known.may_charge
    return ComponentEntry(
        name=known.name,
        ui_url=known.ui_url,
        base_url=known.base_url,
        menu=dict(known.menu),
        may_charge=list(right) if isinstance(right, tuple) else right,
    )


def meter_name(base: str, kind: Kind, unit: Unit, every: int) -> str:
    """Returns the usual name of a meter of a resource, for example `llm.tokens/month`."""
    return f"{base}{SEPARATOR}{LABELS[kind].format(unit if every == 1 else f'{every}{unit}s')}"
