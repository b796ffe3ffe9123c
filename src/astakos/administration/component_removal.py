"""Removes components: nothing calls with their tokens any more, and nothing leads to their services.

Quotas and the history refer to resources and components for good. So a component that has either stays, and
without tokens; otherwise it is deleted. That is a step of its own, because a token that has ended may be
accepted for a moment longer: a commission that it lets in would belong to nobody, and never be resolved.
"""

from typing import NamedTuple

from astakos.administration.component_tokens import find_component
from astakos.administration.state_document import StateError
from astakos.counted_nouns import counted
from astakos.directory.service_catalog import OWN_COMPONENT
from astakos.events.event import Actor, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import component_removal, component_tokens, events, meters, registry

TOKENS_ACCEPTED_SECONDS = 2.0
"""How long to wait before a removed component is deleted: twice as long as services remember tokens."""


class RemovalPreview(NamedTuple):
    """What removing a component would do.

    Attributes:
        services: the names of its services.
        resources: the names of its resources, which are hidden; usage and limits stay as they are.
        pending: how many of its commissions are pending, which stand in the way.
        is_deleted: whether it is deleted altogether; otherwise it stays, without tokens.
    """

    services: list[str]
    resources: list[str]
    pending: int
    is_deleted: bool


def preview_removal(connection: Connection, name: str) -> RemovalPreview:
    """Returns what removing a component would do.

    Raises:
        StateError: there is no such component, or it is this service's own.
    """
    component = find_component(connection, name)
    if name == OWN_COMPONENT:
        raise StateError(f"{name} is this service itself, and cannot be removed")
    services = [one.name for one in registry.list_services(connection) if one.component.id == component.id]
    resources = sorted(registry.resources_of(connection, component.id))
    has_history = component_removal.has_history(connection, component.id)
    pending = component_removal.count_pending(connection, component.id)
    return RemovalPreview(services, resources, pending, not (resources or has_history))


def remove_component(
    connection: Connection, actor: Actor, name: str, reason: str, now: int
) -> RemovalPreview:
    """Removes a component, which stays for now; returns what that does. See `delete_component`.

    Raises:
        StateError: there is no such component, it is this service's own, or has pending commissions.
    """
    done = preview_removal(connection, name)
    if done.pending:
        pending = counted(
            done.pending,
            f"commission of {name} is pending; accept or reject it",
            f"commissions of {name} are pending; accept or reject them",
        )
        raise StateError(f"{pending} first", f"`astakos commission list --component {name}` shows which")
    component = find_component(connection, name)
    component_removal.retire(connection, component.id)
    if done.resources:
        meters.note_change(connection)
    after = {"component": name, "services": done.services, "resources": done.resources}
    events.record(connection, Event("component.removed", actor, reason=reason, after=after), now)
    return done


def delete_component(connection: Connection, name: str) -> bool:
    """Deletes a component that was removed `TOKENS_ACCEPTED_SECONDS` ago, if nothing refers to it.

    Returns whether it is gone. Otherwise it has commissions after all, or was registered again.
    """
    component = registry.find_component(connection, name)
    if component is None:
        return True
    found = preview_removal(connection, name)
    has_token = registry.find_component_token_hash(connection, name) is not None
    if not found.is_deleted or found.pending or found.services or has_token:
        return False
    if component_tokens.list_of(connection, component.id):
        return False
    component_removal.delete(connection, component.id)
    return True
