"""Makes databases of very many users, each with a project of their own, at once instead of one by one."""

import contextlib
from collections.abc import Iterator, Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import ComponentEntry, ResourceEntry, ServiceEntry, StateDocument
from astakos.administration.system_projects import save_system_project
from astakos.directory.entities import User
from astakos.ledger.meter_definitions import MeterDefinition, base_of
from astakos.ledger.periods import Unit
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection
from astakos.storage.tables import users
from benchmarks.cloning import AT_A_TIME, UNUSED, clone_first_user
from benchmarks.population import COMPONENT, COMPONENT_TOKEN, LIMIT, user_name, user_uuid

MONTHLY = MeterDefinition(unit=Unit.MONTH)


def dialect_of(url: str) -> str:
    """Which of the dialects in `benchmarks.cloning.NEW` a database understands."""
    return "sqlite" if url.startswith("sqlite") else "postgresql"


def make_users(url: str, count: int, resources: Sequence[str], figures: str = UNUSED) -> None:
    """Makes a new database with so many users, who can use so many resources.

    Those named like `compute.vm/month` are meters. `figures` is explained at `cloning.clone_first_user`.
    """
    database = database_of(url)
    database.open()
    document = StateDocument(
        components=[ComponentEntry(name=COMPONENT, token=COMPONENT_TOKEN)],
        services=[ServiceEntry(name=COMPONENT, type="compute", component=COMPONENT)],
        resources=[
            ResourceEntry(
                name=name,
                service=COMPONENT,
                system_default=LIMIT,
                meter=None if base_of(name) is None else MONTHLY,
            )
            for name in resources
        ],
    )
    load(database, document, clock.now())
    dialect = dialect_of(url)
    with contextlib.closing(database.connect()) as connection, _progress() as progress:
        if dialect == "sqlite":
            # The file is made anew if this is interrupted, so that nothing need be durable in between.
            connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        _add_user(connection, 0, clock.now(), resources)
        connection.execute("COMMIT")
        task = progress.add_task(f"{dialect}: users", total=count)
        for first in range(1, count, AT_A_TIME):
            last = min(count, first + AT_A_TIME) - 1
            connection.execute("BEGIN")
            clone_first_user(connection, dialect, first, last, figures)
            connection.execute("COMMIT")
            progress.update(task, completed=last + 1)
    database.close()


def _add_user(connection: Connection, number: int, now: int, resources: Sequence[str]) -> None:
    uuid = user_uuid(number)
    name = user_name(number)
    user = User(0, uuid, name, name, "User", str(number), True, True, True, False, True, uuid)
    users.save(connection, user)
    save_system_project(connection, user, dict.fromkeys(resources, LIMIT), now)


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        yield progress
