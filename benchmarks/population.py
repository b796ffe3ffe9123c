"""Who is in the databases of the benchmarks, and what they ask for."""

import contextlib
from pathlib import Path
from typing import Any

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import (
    ComponentEntry,
    ResourceEntry,
    ServiceEntry,
    StateDocument,
    UserEntry,
)
from astakos.projects.limits import project_holder, user_holder
from astakos.storage.opening import database_of

USERS = 1000
COMPONENT = "compute"
COMPONENT_TOKEN = "token-of-the-component-compute"
QUANTITIES = {"compute.vm": 1, "compute.ram": 2**20}
"""What one commission takes of each resource, of the user's and of the project's holding."""

LIMIT = 2**60
"""So large that nothing is refused: refusals cost no write, and would make the figures better."""


def user_uuid(number: int) -> str:
    """The uuid of a user, which is that of their system project, too."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def user_token(number: int) -> str:
    """The token of a user."""
    return f"token-of-the-user-number-{number:08d}"


def user_name(number: int) -> str:
    """The user name."""
    return f"user{number}@example.org"


def user_entry(number: int, limits: dict[str, int], password: str | None = None) -> UserEntry:
    """The account of a user, with these limits."""
    return UserEntry(
        uuid=user_uuid(number),
        email=user_name(number),
        first_name="User",
        last_name=str(number),
        token=user_token(number),
        password=password,
        groups=["default"],
        quotas=limits,
    )


def provisions(number: int) -> list[tuple[str, str | None, str, int]]:
    """Holder, source, resource and quantity of the four provisions of one commission."""
    user, project = user_holder(user_uuid(number)), project_holder(user_uuid(number))
    return [
        (holder, source, resource, quantity)
        for resource, quantity in QUANTITIES.items()
        for holder, source in ((user, project), (project, None))
    ]


def commission(number: int) -> dict[str, Any]:
    """The body that issues one commission for a user."""
    names = ("holder", "source", "resource", "quantity")
    return {
        "name": "benchmark",
        "force": False,
        "auto_accept": False,
        "provisions": [dict(zip(names, entry, strict=True)) for entry in provisions(number)],
    }


def database_url(path: Path) -> str:
    """How a file is named to the service."""
    return f"sqlite:///{path}"


def is_made(url: str) -> bool:
    """Whether there is a file already with the database of this URL."""
    _, is_file, path = url.partition("sqlite:///")
    return bool(is_file) and Path(path).exists()


def make_database(url: str) -> None:
    """Makes a database with all users, and no usage yet."""
    database = database_of(url)
    database.open()
    with contextlib.closing(database):
        load(database, _document(), clock.now())


def _document() -> StateDocument:
    endpoint = {"versionId": "v2.0", "publicURL": "http://127.0.0.1/compute/v2.0"}
    return StateDocument(
        components=[ComponentEntry(name=COMPONENT, token=COMPONENT_TOKEN)],
        services=[ServiceEntry(name=COMPONENT, type="compute", component=COMPONENT, endpoints=[endpoint])],
        resources=[ResourceEntry(name=name, service=COMPONENT) for name in QUANTITIES],
        users=[user_entry(number, dict.fromkeys(QUANTITIES, LIMIT)) for number in range(USERS)],
    )
