"""The installation that stories about pages happen in, and that the pictures of the docs show."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from astakos.administration.component_registration import register_own_services
from astakos.administration.load import load
from astakos.administration.state_document import (
    CapacityEntry,
    ComponentEntry,
    ProjectEntry,
    ResourceEntry,
    ServiceEntry,
    Settings,
    StateDocument,
    UserEntry,
)
from astakos.clock import DAY, now, to_iso
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.periods import Unit
from astakos.ledger.rules import UNLIMITED, Key
from astakos.processes.listening import LOOPBACK, listen
from astakos.server.running import serving
from astakos.service.service import Service
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.caller import Caller
from service.installation import rows

PASSWORD = "correct horse battery staple"
COMPUTE_TOKEN = "component-token-of-compute-ccccccccccccccccc"
MODELS_TOKEN = "component-token-of-models-mmmmmmmmmmmmmmmmmm"
ADMINISTRATORS = "administrators"
UNSERVED = "http://127.0.0.1/astakos"
"""What the database calls the service, wherever that listens."""
TOKENS = "llm.tokens"
MONTHLY = f"{TOKENS}/month"


@dataclass(frozen=True)
class Person:
    uuid: str
    email: str

    def holding(self, resource: str, project: str = "") -> Key:
        return Key(f"user:{self.uuid}", f"project:{project or self.uuid}", resource)


ADA = Person("0a0a0a0a-0000-4000-8000-00000000ada0", "ada@example.org")
GRACE = Person("0b0b0b0b-0000-4000-8000-0000000c0b01", "grace@example.org")
ROOT = Person("0c0c0c0c-0000-4000-8000-000000000001", "root@example.org")
"""An administrator."""
LAB = "0d0d0d0d-0000-4000-8000-0000000001ab"


@dataclass(frozen=True)
class Scene:
    """A running service, with what has happened there so far."""

    base_url: str
    database: Database
    caller: Caller


def _user(person: Person, first_name: str, last_name: str) -> UserEntry:
    return UserEntry(
        uuid=person.uuid,
        email=person.email,
        first_name=first_name,
        last_name=last_name,
        password=PASSWORD,
        token=f"token-of-{first_name}".ljust(43, "-"),
        token_expires=to_iso(now() + 300 * DAY),
    )


def document(base_url: str) -> StateDocument:
    root = _user(ROOT, "Rosa", "Root")
    root.groups = [ADMINISTRATORS]
    return StateDocument(
        base_url=base_url,
        settings=Settings(
            groups=[ADMINISTRATORS],
            administrators=ADMINISTRATORS,
            service_name="Example Cloud",
            forgotten_password="Write to help@example.org, or call 555 0100.",
        ),
        components=[
            ComponentEntry(
                name="compute",
                ui_url="https://compute.example.org/",
                token=COMPUTE_TOKEN,
                menu={"verbose_name": "Machines"},
            ),
            ComponentEntry(name="models", ui_url="https://models.example.org/", token=MODELS_TOKEN),
        ],
        services=[
            ServiceEntry(name="compute", type="compute", component="compute"),
            ServiceEntry(name="models", type="models", component="models"),
        ],
        resources=[
            ResourceEntry(
                name="compute.vm", service="compute", description="Virtual machines", system_default=4
            ),
            ResourceEntry(
                name="compute.ram",
                service="compute",
                unit="bytes",
                description="Memory",
                system_default=16 * 2**30,
            ),
            ResourceEntry(
                name="compute.disk",
                service="compute",
                unit="bytes",
                description="Disk space",
                system_default=100 * 2**30,
            ),
            ResourceEntry(
                name=TOKENS,
                service="models",
                unit="tokens",
                description="Tokens of language models",
                ui_visible=False,
            ),
            ResourceEntry(
                name=MONTHLY,
                service="models",
                unit="tokens",
                description="Tokens of language models",
                system_default=2_000_000,
                meter=MeterDefinition(unit=Unit.MONTH),
            ),
        ],
        users=[_user(ADA, "Ada", "Byron"), _user(GRACE, "Grace", "Hopper"), root],
        projects=[
            ProjectEntry(
                uuid=LAB,
                name="lab.example.org",
                owner=GRACE.uuid,
                description="Where things are tried",
                end_date=to_iso(now() + 200 * DAY),
                resources={
                    "compute.vm": CapacityEntry(project_capacity=12, member_capacity=10),
                    "compute.ram": CapacityEntry(project_capacity=64 * 2**30, member_capacity=32 * 2**30),
                    TOKENS: CapacityEntry(project_capacity=UNLIMITED, member_capacity=UNLIMITED),
                    MONTHLY: CapacityEntry(project_capacity=50_000_000, member_capacity=20_000_000),
                },
                members=[ADA.uuid, GRACE.uuid],
            )
        ],
    )


def charge(scene: Scene, token: str, *charges: tuple[Key, int], settles: bool = True) -> int:
    """A commission on holdings of users and of their projects, pending unless it `settles`."""
    serial = scene.caller.issued(token, *with_projects(charges))
    if settles:
        assert scene.caller.act(token, serial, "accept") == 200
    return serial


def with_projects(charges: Iterable[tuple[Key, int]]) -> list[tuple[Key, int]]:
    """Charges of users, and the same of the projects that they draw from, as services make them."""
    return [each for key, quantity in charges for each in ((key, quantity), (_above(key), quantity))]


def _above(key: Key) -> Key:
    assert key.source is not None
    return Key(key.source, None, key.resource)


PAST = ((40, 1), (33, 2), (27, -1), (19, 1), (12, -2), (9, 1), (8, 1), (5, -2))
"""How many machines Ada began or ended, and how many days ago."""
MOVE = "UPDATE resolved_commissions SET issue_time = ?, resolve_time = ? WHERE serial = ?"


def _happened(scene: Scene) -> None:
    for days, machines in PAST:
        serial = charge(scene, COMPUTE_TOKEN, (ADA.holding("compute.vm"), machines))
        then = now() - days * DAY
        rows(scene.database, MOVE, then, then + 60_000_000, serial)
    charge(scene, COMPUTE_TOKEN, (ADA.holding("compute.vm"), 1), (ADA.holding("compute.ram"), 10 * 2**30))
    charge(scene, COMPUTE_TOKEN, (ADA.holding("compute.disk"), 91 * 2**30))
    charge(scene, COMPUTE_TOKEN, (ADA.holding("compute.vm", LAB), 3))
    charge(scene, COMPUTE_TOKEN, (GRACE.holding("compute.vm", LAB), 8))
    charge(scene, COMPUTE_TOKEN, (ADA.holding("compute.vm"), 1), settles=False)
    charge(scene, MODELS_TOKEN, (ADA.holding(TOKENS), 1_250_000))
    charge(scene, MODELS_TOKEN, (ADA.holding(TOKENS, LAB), 4_400_000))


def _refused(scene: Scene) -> None:
    """What an engine remembers only as long as it runs."""
    refused = scene.caller.issue(COMPUTE_TOKEN, *with_projects([(ADA.holding("compute.vm"), 5)]))
    assert refused.status == 413, refused.content


def prepare(path: Path) -> None:
    """Makes a database file with all that has happened, to be copied."""
    database = _opened(path)
    load(database, document(UNSERVED), now())
    register_own_services(database, UNSERVED, now())
    with _served(database) as scene:
        _happened(scene)
    database.close()


@contextlib.contextmanager
def staged(path: Path) -> Iterator[Scene]:
    """The scene while the context lasts, on the database in a file, which is prepared if it is not there."""
    if not path.exists():
        prepare(path)
    database = _opened(path)
    with _served(database) as scene:
        _refused(scene)
        yield scene
    database.close()


def _opened(path: Path) -> SQLiteDatabase:
    database = SQLiteDatabase(f"sqlite:///{path}")
    database.open()
    return database


@contextlib.contextmanager
def _served(database: Database) -> Iterator[Scene]:
    with listen(LOOPBACK, 0) as listener:
        base_url = f"http://{LOOPBACK}:{listener.getsockname()[1]}/astakos"
        with serving(Service(database, base_url, has_mail=True), listener):
            yield Scene(base_url, database, Caller(base_url))
