"""What the generations of the API do differently, as a value that is chosen when the service starts.

Handlers ask the dialect of a request and never which one it is; what all generations answer alike stands in
the handlers alone.
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
Figures = dict[str, int]
Quotas = dict[str, dict[str, Figures]]
"""Figures by source and resource."""


@dataclass(frozen=True, slots=True)
class QuotaFilter:
    """Whose quotas a service asks for, by uuids; None means all."""

    users: list[str] | None
    projects: list[str] | None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one generation of the API reads and answers, where generations differ.

    Attributes:
        wrong_method: the fault for a method that a route does not have, from it and those that it has.
        require_json: refuses a request whose content type is not the right one for a body of JSON.
        form_type: the kind of form to read a body as, from its content type without parameters.
        display_names: those to look up, from the body of a catalogue call; None if null is asked for.
        access: the answer of the tokens call to a user, from that of the newest generation.
        catalog: the service catalogue, from that of the newest generation.
        resources: the answer of the resources call.
        user_quotas: what a user's holdings are, as the user may see them.
        quotas: figures by user, source and resource.
        quota_filter: whose quotas a request of a service asks for.
        system_is_everything: the source `system` is all that a user has, and not their own project alone.
        provisions: those of a pending commission, as they are told.
    """

    wrong_method: Callable[[str, tuple[str, ...]], Fault]
    require_json: Callable[[Request], None]
    form_type: Callable[[str], str]
    display_names: Callable[[object], list[str] | None]
    access: Callable[[Document, User], Document]
    catalog: Callable[[list[Document]], list[Document]]
    resources: Callable[[Iterable[Resource]], dict[str, Document]]
    user_quotas: Callable[[Connection, User], Iterable[UserQuota]]
    quotas: Callable[[Iterable[UserQuota]], dict[str, Quotas]]
    quota_filter: Callable[[Request], QuotaFilter]
    system_is_everything: bool
    provisions: Callable[[Iterable[Provision]], list[Document]]
