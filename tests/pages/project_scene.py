"""Projects that stories and pictures need besides that of the scene: asked for, approved, and joined."""

from astakos.administration.membership_changes import join
from astakos.administration.project_changes import act_on_application, create_project, modify_project
from astakos.clock import DAY, now, to_iso
from astakos.events.event import OPERATOR, Actor
from astakos.projects.project import Capacity, Policy
from astakos.projects.project_actions import ApplicationAction
from astakos.projects.specification import Specification
from pages.scene import ADA, GRACE, LAB, PASSWORD, TOKENS, Person, Scene
from service.browser import Browser, page_of
from service.caller import Reply

VISION = "vision.example.org"


def browser_of(scene: Scene, person: Person) -> Browser:
    """A browser in which somebody has logged in."""
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(person.email, PASSWORD)
    return browser


def send(browser: Browser, path: str, **fields: str) -> Reply:
    """What comes of a form that is sent to a path below `ui/projects/`, with the proof of a page."""
    page = browser.visit(f"{browser.base_url}/ui/projects/apply")
    proof = page_of(page).proof
    return browser.send("POST", f"{browser.base_url}/ui/projects/{path}", {**proof, **fields})


def apply(scene: Scene, person: Person, name: str, **asked: object) -> tuple[str, int]:
    """Applies for a project that ends in a year; returns its UUID, and the number of the application."""
    values = {"name": name, "end_date": to_iso(now() + 365 * DAY), **asked}
    wanted = Specification(**values)  # type: ignore[arg-type]
    return scene.database.change(
        lambda connection: create_project(connection, Actor(person.uuid, "192.0.2.1"), wanted, now())
    )


def approved(scene: Scene, person: Person, name: str, **asked: object) -> str:
    """The UUID of a new project that has been approved."""
    uuid, number = apply(scene, person, name, **asked)
    scene.database.change(
        lambda connection: act_on_application(
            connection, OPERATOR, ApplicationAction.APPROVE, uuid, number, "", now()
        )
    )
    return uuid


def ask_to_join(scene: Scene, person: Person, uuid: str) -> int:
    """The number of a new membership, or request."""
    return scene.database.change(
        lambda connection: join(connection, Actor(person.uuid, "192.0.2.1"), uuid, person.uuid, now())
    )


def crowded(scene: Scene) -> None:
    """What pictures show: applications that wait, a request to join, and a project to join."""
    apply(
        scene,
        ADA,
        VISION,
        description="Finds cats in pictures",
        comments="Two students write their theses about it, and need a machine each until the summer.",
        max_members=5,
        resources={"compute.vm": Capacity(6, 2), "compute.ram": Capacity(64 * 2**30, 32 * 2**30)},
    )
    more = Specification(
        comments="The machines are full since Monday.",
        resources={"compute.vm": Capacity(24, 10), "compute.ram": Capacity(256 * 2**30, 64 * 2**30)},
    )
    scene.database.change(
        lambda connection: modify_project(connection, Actor(GRACE.uuid, "192.0.2.1"), LAB, more, now())
    )
    club = approved(
        scene,
        GRACE,
        "club.example.org",
        description="Anybody who wants to try something",
        join_policy=Policy.MODERATED,
        resources={"compute.vm": Capacity(20, 2), TOKENS: Capacity(10**9, 10**6)},
    )
    ask_to_join(scene, ADA, club)
