"""Who is in the database of a soak.

Limits are low and periods short, so that much is refused and every minute a period ends.
"""

import contextlib
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from astakos import clock
from astakos.administration.administrators import grant_admin
from astakos.administration.load import load
from astakos.administration.state_document import (
    CapacityEntry,
    ComponentEntry,
    ProjectEntry,
    ResourceEntry,
    ServiceEntry,
    Settings,
    StateDocument,
)
from astakos.events.event import OPERATOR
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.periods import Unit
from astakos.ledger.rules import UNLIMITED
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection
from astakos.storage.tables import users
from benchmarks.child_process import ASTAKOS, HOST
from benchmarks.population import COMPONENT, COMPONENT_TOKEN, user_entry, user_uuid

USERS = 200
MEMBERS = 50
"""So many of them are members of the shared project."""
VISITORS = 4
"""So many of them have a password and look at pages; the first one is an administrator."""
PASSWORD = "correct horse battery staple"
LAB = "1ab00000-0000-4000-8000-000000000000"
VM, TOKENS = "compute.vm", "llm.tokens"
MINUTE, RATE = f"{TOKENS}/minute", f"{TOKENS}/per-hour"
RESOURCES = (VM, TOKENS)
MOST_VMS = 40
TOKENS_A_MINUTE = 1500
TOKENS_AT_ONCE = 20_000


class Charge(NamedTuple):
    """A quantity of a resource that is asked for, for a user, from their own project or the lab."""

    user: int
    in_lab: bool
    resource: int
    quantity: int

    def holdings(self) -> tuple[tuple[str, str | None], tuple[str, str | None]]:
        """Holder and source at the user's level, and at the project's."""
        project = f"project:{LAB if self.in_lab else user_uuid(self.user)}"
        return (f"user:{user_uuid(self.user)}", project), (project, None)

    def provisions(self, quantity: int | None = None) -> list[dict[str, Any]]:
        """The provisions at both levels, for this quantity or for another one."""
        amount = self.quantity if quantity is None else quantity
        return [
            {"holder": holder, "source": source, "resource": RESOURCES[self.resource], "quantity": amount}
            for holder, source in self.holdings()
        ]


def make(url: str) -> None:
    """Makes the database.

    Args:
        url: that of an empty one.
    """

    def make_administrator(connection: Connection) -> None:
        user = users.find_by_uuid(connection, user_uuid(0))
        assert user is not None
        grant_admin(connection, OPERATOR, user, clock.now())

    database = database_of(url)
    database.open()
    with contextlib.closing(database):
        load(database, _document(), clock.now())
        database.change(make_administrator)


def add_webhook(environment: Mapping[str, str], port: int, key: Path) -> None:
    """Has what happens sent to a port of this machine.

    Args:
        environment: says which database.
        port: of the receiver.
        key: the file for the key that signs, which is made.
    """
    key.write_text(secrets.token_hex(32), encoding="ascii")
    key.chmod(0o600)
    kinds = ("key", "quota", "user")
    options = [option for kind in kinds for option in ("--kind", kind)]
    command = [*ASTAKOS, "webhook", "add", f"http://{HOST}:{port}/", *options, "--webhook-key", str(key)]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def _document() -> StateDocument:
    endpoint = {"versionId": "v2.0", "publicURL": "http://127.0.0.1/compute/v2.0"}
    limits = {VM: MOST_VMS}
    return StateDocument(
        settings=Settings(webhook_networks=["127.0.0.0/8"]),
        components=[ComponentEntry(name=COMPONENT, token=COMPONENT_TOKEN)],
        services=[ServiceEntry(name=COMPONENT, type="compute", component=COMPONENT, endpoints=[endpoint])],
        resources=[
            ResourceEntry(name=VM, service=COMPONENT, system_default=MOST_VMS),
            ResourceEntry(name=TOKENS, service=COMPONENT),
            ResourceEntry(
                name=MINUTE,
                service=COMPONENT,
                meter=MeterDefinition(unit=Unit.MINUTE),
                system_default=TOKENS_A_MINUTE,
            ),
            ResourceEntry(
                name=RATE,
                service=COMPONENT,
                meter=MeterDefinition(kind=Kind.RATE, unit=Unit.HOUR),
                system_default=TOKENS_AT_ONCE,
            ),
        ],
        users=[
            user_entry(number, limits, PASSWORD if number < VISITORS else None) for number in range(USERS)
        ],
        projects=[
            ProjectEntry(
                uuid=LAB,
                name="lab.example.org",
                end_date="2100-01-01T00:00:00+00:00",
                owner=user_uuid(0),
                resources={
                    VM: CapacityEntry(project_capacity=MEMBERS * MOST_VMS // 2, member_capacity=MOST_VMS),
                    TOKENS: CapacityEntry(project_capacity=UNLIMITED, member_capacity=UNLIMITED),
                },
                members=[user_uuid(number) for number in range(MEMBERS)],
            )
        ],
    )
