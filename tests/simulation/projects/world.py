"""The installation in which the projects of the simulation live: as a document to load, and as a state."""

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
from astakos.projects.project import Policy
from simulation.projects.state import (
    INFINITE,
    PENDING_APPLICATIONS,
    Application,
    Capacity,
    Membership,
    Person,
    Project,
    Resource,
    State,
    add_system_project,
    definition_of,
)

BASE_URL = "https://accounts.example.org/astakos"
LOADED = 1_900_000_000_000_001
"""When the document is loaded, and the clock of the simulation begins."""
FAR = "2099-01-02T03:04:05+00:00"

ASTAKOS, COMPUTE = "astakos", "compute"
COMPONENT_TOKENS = {name: f"component-token-of-{name}-".ljust(43, "c") for name in (ASTAKOS, COMPUTE)}
VM, RAM, HIDDEN = "compute.vm", "compute.ram", "compute.hidden"
RESOURCES = (
    Resource(PENDING_APPLICATIONS, ASTAKOS, 2, 0, api_visible=False),
    Resource(VM, COMPUTE, 4, 0),
    Resource(RAM, COMPUTE, 8, 5),
    Resource(HIDDEN, COMPUTE, 9, INFINITE, api_visible=False),
)


def _person(number: int, name: str, *, admin: bool = False) -> Person:
    return Person(f"0000000{number}-0000-4000-8000-00000000000{number}", f"{name}@example.org", admin)


ROOT = _person(1, "root", admin=True)
OLGA = _person(2, "olga")
"""Owns the project of the document."""
ANNA = _person(3, "anna")
"""Its member."""
BERT = _person(4, "bert")
STAN = _person(5, "stan")
IRMA = _person(6, "irma")
"""Inactive."""
PEOPLE = (ROOT, OLGA, ANNA, BERT, STAN, IRMA)

LAB = "000000a1-0000-4000-8000-0000000000a1"
UNKNOWN = "deadbeef-0000-4000-8000-000000000000"


def token_of(person: Person) -> str:
    return f"user-token-of-{person.email.partition('@')[0]}-".ljust(43, "u")


def document() -> StateDocument:
    return StateDocument(
        base_url=BASE_URL,
        settings=Settings(
            moderation=True,
            project_admins=[ROOT.uuid],
            groups=["admin-api"],
            admin_users=True,
        ),
        components=[ComponentEntry(name=name, token=token) for name, token in COMPONENT_TOKENS.items()],
        services=[
            ServiceEntry(name="astakos_account", type="account", component=ASTAKOS),
            ServiceEntry(name="compute_api", type="compute", component=COMPUTE),
        ],
        resources=[
            ResourceEntry(
                name=resource.name,
                service="astakos_account" if resource.component == ASTAKOS else "compute_api",
                system_default=resource.system_default,
                project_default=resource.project_default,
                api_visible=resource.api_visible,
                ui_visible=resource.api_visible,
            )
            for resource in RESOURCES
        ],
        users=[
            UserEntry(
                uuid=person.uuid,
                email=person.email,
                token=token_of(person),
                token_expires=FAR,
                is_active=person is not IRMA,
                groups=["admin-api"] if person.admin else [],
            )
            for person in PEOPLE
        ],
        projects=[
            ProjectEntry(
                uuid=LAB,
                name="lab.example.org",
                owner=OLGA.uuid,
                end_date=FAR,
                join_policy=Policy.MODERATED,
                leave_policy=Policy.AUTO,
                max_members=3,
                resources={VM: CapacityEntry(project_capacity=6, member_capacity=3)},
                members=[ANNA.uuid],
            )
        ],
    )


def state() -> State:
    """What the document means; identifiers and times are left to be learned."""
    state = State(
        {person.uuid: person for person in PEOPLE},
        {resource.name: resource for resource in RESOURCES},
        inactive={IRMA.uuid},
    )
    for person in PEOPLE:
        add_system_project(state, person.uuid, None, None)
    definition = definition_of(name="lab.example.org", owner=OLGA.uuid, end_date=FAR, max_members=3)
    asked = {VM: Capacity(6, 3)}
    defaults = {r.name: Capacity(r.project_default, r.project_default) for r in RESOURCES}
    lab = state.projects[LAB] = Project(LAB, "active", definition, {**defaults, **asked})
    values = {**definition, "start_date": None, "comments": ""}
    lab.applications.append(Application(0, OLGA.uuid, "approved", values, asked))
    entered: dict[str, str | None] = {"requested": None, "accepted": None}
    state.memberships[ANNA.uuid, LAB] = Membership(
        ANNA.uuid, LAB, "accepted", entered=entered, ever_accepted=True
    )
    return state
