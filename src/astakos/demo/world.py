"""The world of the demo: two services, their resources, two users, their project, and an administrator."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from astakos.administration.state_document import (
    CapacityEntry,
    ComponentEntry,
    GrantEntry,
    ProjectEntry,
    ResourceEntry,
    ServiceEntry,
    Settings,
    StateDocument,
    UserEntry,
)
from astakos.directory.tokens import new_token
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.periods import Unit

GIB = 2**30


@dataclass(frozen=True, slots=True)
class World:
    """The state to load, and the identifiers and tokens that the story needs."""

    document: StateDocument
    ada: str
    grace: str
    lab: str
    tokens: Mapping[str, str]

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels to print in place of tokens, which are secret, and identifiers, which are long."""
        shown = {token: f"<{name}'s token>" for name, token in self.tokens.items()}
        return shown | {self.ada: "<ada>", self.grace: "<grace>", self.lab: "<lab>"}


def make_world() -> World:
    """Creates a world with new identifiers and tokens."""
    ada, grace, root, lab = (str(uuid4()) for _ in range(4))
    tokens = {
        name: new_token(os.urandom) for name in ("ada", "grace", "root", "compute", "storage", "models")
    }
    document = StateDocument(
        settings=Settings(project_admins=[root]),
        components=[
            _component("compute", 1, tokens),
            _component("storage", 2, tokens),
            _component("models", 3, tokens),
        ],
        services=[
            _service("compute", "v2.0"),
            _service("storage", "v1"),
            _service("models", "v1"),
        ],
        resources=[
            ResourceEntry(
                name="compute.vm", service="compute", description="Virtual machines", system_default=4
            ),
            ResourceEntry(
                name="compute.ram",
                service="compute",
                unit="bytes",
                description="Memory of virtual machines",
                system_default=8 * GIB,
            ),
            ResourceEntry(
                name="storage.space",
                service="storage",
                unit="bytes",
                description="File storage",
                system_default=100 * GIB,
            ),
            ResourceEntry(name="llm.tokens", service="models", description="Tokens of language models"),
            ResourceEntry(
                name="llm.tokens/month",
                service="models",
                description="Tokens of language models each month",
                system_default=10_000,
                meter=MeterDefinition(unit=Unit.MONTH),
            ),
        ],
        users=[
            UserEntry(
                uuid=ada,
                email="ada@example.org",
                first_name="Ada",
                last_name="Byron",
                token=tokens["ada"],
                groups=["researchers"],
            ),
            UserEntry(
                uuid=grace,
                email="grace@example.org",
                first_name="Grace",
                last_name="Hopper",
                token=tokens["grace"],
            ),
            UserEntry(uuid=root, email="root@example.org", token=tokens["root"]),
        ],
        projects=[
            ProjectEntry(
                uuid=lab,
                name="lab.example.org",
                owner=ada,
                end_date="2100-01-01T00:00:00+00:00",
                resources={"compute.vm": CapacityEntry(project_capacity=5, member_capacity=3)},
                members=[ada, grace],
            )
        ],
        grants=[
            GrantEntry(
                number=1,
                resource="llm.tokens",
                amount=5000,
                starts="2026-01-01T00:00:00+00:00",
                user=grace,
                note="bought once",
            )
        ],
    )
    return World(document, ada, grace, lab, tokens)


def _component(name: str, order: int, tokens: Mapping[str, str]) -> ComponentEntry:
    return ComponentEntry(
        name=name,
        ui_url=f"https://{name}.example.org/ui",
        base_url=f"https://{name}.example.org",
        token=tokens[name],
        menu={"order": order},
        may_charge=[],
    )


def _service(name: str, version: str) -> ServiceEntry:
    endpoint = {"versionId": version, "publicURL": f"https://{name}.example.org/{version}"}
    return ServiceEntry(name=name, type=name, component=name, endpoints=[endpoint])
