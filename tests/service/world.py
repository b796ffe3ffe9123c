"""The installation that the tests begin with: all that is in it, by name."""

from typing import NamedTuple

from astakos.administration.state_document import (
    CapacityEntry,
    ComponentEntry,
    MemberEntry,
    OAuth2ClientEntry,
    OAuth2TokenEntry,
    ProjectEntry,
    ResourceEntry,
    ServiceEntry,
    Settings,
    StateDocument,
    UserEntry,
)
from astakos.clock import from_iso
from astakos.ledger.rules import Key
from astakos.projects.project import MembershipState, ProjectState

BASE_URL = "https://accounts.example.org/astakos"
"""What the service calls itself, wherever it listens."""

LOADED = from_iso("2031-02-03T04:05:06.789012+00:00")
"""When the world was loaded."""

FAR = "2099-01-02T03:04:05+00:00"
PAST = "2001-01-02T03:04:05+00:00"

UNKNOWN_UUID = "deadbeef-0000-4000-8000-000000000000"
UNKNOWN_TOKEN = "token-that-nobody-was-ever-given-xxxxxxxxxx"


class Person(NamedTuple):
    uuid: str
    email: str
    token: str


def _person(number: int, email: str) -> Person:
    name = email.partition("@")[0].lower()
    uuid = f"0000000{number}-0000-4000-8000-00000000000{number}"
    return Person(uuid, email, f"user-token-of-{name}-".ljust(43, "u"))


ALICE = _person(1, "alice@example.org")
BOB = _person(2, "Bob.Builder@Example.ORG")
CHLOE = _person(3, "chloe@example.org")
DORA = _person(4, "dora@example.org")
EDGAR = _person(5, "edgar@example.org")
FAY = _person(6, "fay@example.org")
GREG = _person(7, "greg@example.org")
HUGO = _person(8, "hugo@example.org")
IVAN = _person(9, "ivan@example.org")
PEOPLE = (ALICE, BOB, CHLOE, DORA, EDGAR, FAY, GREG, HUGO, IVAN)
PASSWORD = "correct horse battery staple"

COMPUTE_TOKEN = "component-token-of-compute-ccccccccccccccccc"
STORAGE_TOKEN = "component-token-of-storage-sssssssssssssssss"
RETIRED_TOKEN = "component-token-of-retired-rrrrrrrrrrrrrrrrr"
CLIENT_SECRET = "secret-of-the-oauth2-client"
ACCESS_TOKEN = "access-token-of-the-oauth2-kind"

SECRETS = (
    *(person.token for person in PEOPLE),
    PASSWORD,
    COMPUTE_TOKEN,
    STORAGE_TOKEN,
    RETIRED_TOKEN,
    CLIENT_SECRET,
    ACCESS_TOKEN,
)

VM = "compute.vm"
RAM = "compute.ram"
TOTAL_RAM = "compute.total_ram"
SPACE = "storage.space"

LAB = "000000a1-0000-4000-8000-0000000000a1"
HALTED = "000000a2-0000-4000-8000-0000000000a2"
CLOSED = "000000a3-0000-4000-8000-0000000000a3"


def member_key(person: Person, project: str = LAB, resource: str = VM) -> Key:
    return Key(f"user:{person.uuid}", f"project:{project}", resource)


def project_key(project: str = LAB, resource: str = VM) -> Key:
    return Key(f"project:{project}", None, resource)


def _user(person: Person, first_name: str, last_name: str) -> UserEntry:
    return UserEntry(
        uuid=person.uuid,
        email=person.email,
        first_name=first_name,
        last_name=last_name,
        token=person.token,
        token_created="2031-01-02T03:04:05.000678+00:00",
        token_expires=FAR,
    )


def users() -> list[UserEntry]:
    alice = _user(ALICE, "Alice", "Archer")
    alice.groups = ["staff", "admin-api"]
    alice.password = PASSWORD
    alice.token_expires = "2099-01-02T03:04:05.000678+00:00"
    bob = _user(BOB, "Bob", "Builder")
    bob.quotas = {VM: 7}
    chloe = _user(CHLOE, "Chloé", "Ångström")
    dora = _user(DORA, "Dora", "Pending")
    dora.is_active, dora.moderated = False, False
    edgar = _user(EDGAR, "Edgar", "Expired")
    edgar.token_expires = PAST
    fay = _user(FAY, "Fay", "Unsigned")
    fay.has_signed_terms = False
    greg = _user(GREG, "Greg", "Rejected")
    greg.is_active, greg.is_rejected = False, True
    hugo = _user(HUGO, "Hugo", "Inactive")
    hugo.is_active = False
    ivan = _user(IVAN, "Ivan", "Unverified")
    ivan.is_active, ivan.moderated, ivan.email_verified = False, False, False
    return [alice, bob, chloe, dora, edgar, fay, greg, hugo, ivan]


def projects() -> list[ProjectEntry]:
    lab = ProjectEntry(
        uuid=LAB,
        name="lab.example.org",
        owner=ALICE.uuid,
        description="Where things are tried",
        creation_date="2030-05-06T07:08:09+00:00",
        end_date=FAR,
        max_members=5,
        resources={
            VM: CapacityEntry(project_capacity=12, member_capacity=10),
            SPACE: CapacityEntry(project_capacity=1000, member_capacity=400),
        },
        members=[ALICE.uuid, BOB.uuid],
    )
    halted = ProjectEntry(
        uuid=HALTED,
        name="halted.example.org",
        owner=BOB.uuid,
        end_date=FAR,
        state=ProjectState.SUSPENDED,
        resources={VM: CapacityEntry(project_capacity=6, member_capacity=3)},
        members=[ALICE.uuid, MemberEntry(user=BOB.uuid, state=MembershipState.LEAVE_REQUESTED)],
    )
    closed = ProjectEntry(
        uuid=CLOSED,
        name="closed.example.org",
        end_date=PAST,
        state=ProjectState.TERMINATED,
        resources={VM: CapacityEntry(project_capacity=6, member_capacity=3)},
        members=[ALICE.uuid, MemberEntry(user=CHLOE.uuid, state=MembershipState.REMOVED)],
    )
    return [lab, halted, closed]


def world() -> StateDocument:
    """A new document each time, to be changed at will."""
    return StateDocument(
        base_url=BASE_URL,
        settings=Settings(
            moderation=True,
            project_admins=[CHLOE.uuid],
            groups=["staff", "admin-api", "helpdesk"],
            helpdesk=["help@example.org"],
        ),
        components=[
            ComponentEntry(
                name="compute",
                ui_url="https://compute.example.org/ui",
                base_url="https://compute.example.org",
                token=COMPUTE_TOKEN,
                menu={"order": 2, "dashboard": {"order": 5}},
            ),
            ComponentEntry(
                name="storage",
                ui_url="https://storage.example.org/ui",
                base_url="https://storage.example.org",
                token=STORAGE_TOKEN,
                menu={"order": 1, "verbose_name": "Files"},
            ),
            ComponentEntry(name="retired", token=RETIRED_TOKEN, token_expires=PAST),
        ],
        services=[
            ServiceEntry(
                name="compute_api",
                type="compute",
                component="compute",
                endpoints=[
                    {"versionId": "v2.0", "publicURL": "https://compute.example.org/v2.0", "region": "x"},
                    {
                        "versionId": "v2.1",
                        "publicURL": "https://compute.example.org/v2.1",
                        "SNF:exposeVersion": "True",
                    },
                ],
            ),
            ServiceEntry(
                name="storage_api",
                type="object-store",
                component="storage",
                endpoints=[{"versionId": "v1", "publicURL": "https://storage.example.org/v1"}],
            ),
        ],
        resources=[
            ResourceEntry(
                name=VM,
                service="compute_api",
                service_type="compute",
                description="Virtual machines",
                system_default=4,
            ),
            ResourceEntry(
                name=RAM,
                service="compute_api",
                unit="bytes",
                description="Memory",
                system_default=8 * 2**30,
                project_default=2**30,
                ui_visible=False,
            ),
            ResourceEntry(
                name=TOTAL_RAM, service="compute_api", unit="bytes", description="Hidden", api_visible=False
            ),
            ResourceEntry(
                name=SPACE,
                service="storage_api",
                unit="bytes",
                description="Größe",
                system_default=10 * 2**30,
            ),
        ],
        users=users(),
        projects=projects(),
        oauth2_clients=[
            OAuth2ClientEntry(
                identifier="viewer",
                name="Viewer",
                secret=CLIENT_SECRET,
                url="https://viewer.example.org",
                redirect_urls=["https://viewer.example.org/back"],
            )
        ],
        oauth2_tokens=[
            OAuth2TokenEntry(
                client="viewer",
                user=ALICE.uuid,
                expires=FAR,
                access_token=ACCESS_TOKEN,
                scope="https://viewer.example.org/",
            )
        ],
    )
