"""The component or resource that a page is about, and changes to what is registered."""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeVar
from urllib.parse import quote

from astakos.administration.document_places import PlacedError
from astakos.administration.load import load_within
from astakos.administration.state_document import StateDocument, StateError
from astakos.directory.entities import Component, Resource
from astakos.events.event import Actor
from astakos.http.faults import Conflict, ItemNotFound
from astakos.http.pages.visits import UserVisit
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.pages.sentences import sentence
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry
from astakos.storage.tables.meters import find_definitions

T = TypeVar("T")
SERVICES: Final = "/ui/admin/services"
COMPONENT: Final = f"{SERVICES}/components"
ANY_NAME: Final = ".+"
"""Names of components can hold slashes, as those of resources do."""
RESOURCE: Final = f"{SERVICES}/resources"
NO_COMPONENT: Final = "There is no such component."
NO_RESOURCE: Final = "There is no such resource."
REGISTERED_ALREADY: Final = "You have already sent this form. It registered this once."


class KnownResource(NamedTuple):
    """A resource, and the meter that it is."""

    resource: Resource
    meter: MeterDefinition | None


def component_path(name: str) -> str:
    """Returns the path of the page of a component."""
    return f"{COMPONENT}/{quote(name)}"


def service_path(path: str, name: str) -> str:
    """Returns the path of a page or action about a service."""
    return f"{path}/{quote(name)}"


def resource_path(name: str) -> str:
    """Returns the path of the page of a resource."""
    return f"{RESOURCE}/{quote(name)}"


def visited_component(connection: Connection, visit: UserVisit) -> Component:
    """Returns the component that the path names.

    Raises:
        ItemNotFound: There is none.
    """
    component = registry.find_component(connection, visit.request.parameter)
    if component is None:
        raise ItemNotFound(NO_COMPONENT)
    return component


def visited_resource(connection: Connection, visit: UserVisit) -> KnownResource:
    """Returns the resource that the path names.

    Raises:
        ItemNotFound: There is none.
    """
    resource = registry.find_resource(connection, visit.request.parameter)
    if resource is None:
        raise ItemNotFound(NO_RESOURCE)
    return KnownResource(resource, find_definitions(connection).get(resource.name))


async def apply(visit: UserVisit, document: StateDocument) -> str:
    """Applies a document. Returns why it is refused, as a sentence; "" if it is not."""

    def act(connection: Connection, actor: Actor) -> None:
        load_within(connection, document, visit.service.now(), actor)

    return await _why_not(visit.change(act))


async def apply_new(
    visit: UserVisit,
    document: StateDocument,
    place: str,
    *,
    is_taken: Callable[[Connection], bool],
    taken: str,
) -> str:
    """Applies a document that registers something, once for each form.

    Args:
        visit: The visit.
        document: The document.
        place: The path of the page of what it registers.
        is_taken: Whether there is something of its name already.
        taken: Says so, as a sentence.

    Returns:
        Why it is refused, as a sentence; "" if it is not.

    Raises:
        SentBeforeError: The form has registered it already.
    """

    def act(connection: Connection, actor: Actor) -> None:
        if is_taken(connection):
            raise StateError(taken)
        load_within(connection, document, visit.service.now(), actor)

    return await _why_not(visit.make(act, place=lambda _: place, again=REGISTERED_ALREADY))


async def _why_not(change: Awaitable[object]) -> str:
    try:
        await change
    except PlacedError as error:
        return sentence(error.words)
    except StateError as error:
        return sentence(str(error))
    return ""


async def change(visit: UserVisit, act: Callable[[Connection, Actor], T]) -> T:
    """Changes something that is registered.

    Raises:
        Conflict: The state of things prevents it; the message says how.
    """
    return await unless_refused(visit.change(act))


async def unless_refused(change: Awaitable[T]) -> T:
    """Waits for a change of what is registered, and returns what it returns.

    Raises:
        Conflict: The state of things prevents it; the message says how.
    """
    try:
        return await change
    except (StateError, ProjectRefusedError) as error:
        raise Conflict(sentence(str(error))) from error
