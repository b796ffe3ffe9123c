"""What differs between the generations of the API, as a value that is chosen when the service starts.

Handlers call the dialect of a request and never check which one it is. What all generations have in common
is in the handlers.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from astakos.directory.entities import Resource, User
from astakos.http.faults import Fault
from astakos.http.request import Request
from astakos.ledger.rules import Provision
from astakos.storage.protocol import Connection
from astakos.storage.tables.quotas import UserQuota

Document = dict[str, Any]
Figures = dict[str, Any]
Quotas = dict[str, dict[str, Figures]]
"""Figures by source and resource."""


@dataclass(frozen=True, slots=True)
class QuotaFilter:
    """The UUIDs of the users and projects whose quotas a component requests. None stands for all."""

    users: list[str] | None
    projects: list[str] | None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one generation of the API reads requests and builds responses, where generations differ.

    Attributes:
        wrong_method: Returns the fault for an unsupported method, given that method and the supported ones.
        require_json: Refuses a request whose content type is wrong for a JSON body.
        form_type: Returns the form type to parse a body as, given its content type without parameters.
        display_names: Returns the usernames to look up from the body of a catalog call; None for null.
        access: Converts the newest generation's response of the tokens call for a user.
        catalog: Converts the newest generation's service catalog.
        resources: Returns the response of the resources call.
        user_quotas: Reads the quotas that a user can see at an instant.
        quotas: Returns figures by user, source, and resource.
        quota_filter: Reads the filter of a component's request for quotas.
        system_is_everything: Whether the source `system` covers all projects that a user draws from, and not
            only the user's own project.
        provisions: Returns the provisions of a pending commission as a document.
    """

    wrong_method: Callable[[str, tuple[str, ...]], Fault]
    require_json: Callable[[Request], None]
    form_type: Callable[[str], str]
    display_names: Callable[[object], list[str] | None]
    access: Callable[[Document, User], Document]
    catalog: Callable[[list[Document]], list[Document]]
    resources: Callable[[Iterable[Resource]], dict[str, Document]]
    user_quotas: Callable[[Connection, User, int], Iterable[UserQuota]]
    quotas: Callable[[Iterable[UserQuota]], dict[str, Quotas]]
    quota_filter: Callable[[Request], QuotaFilter]
    system_is_everything: bool
    provisions: Callable[[Iterable[Provision]], list[Document]]
