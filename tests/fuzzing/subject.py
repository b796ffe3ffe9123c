"""The service that is fuzzed: all of it is turned on, and it logs no failures of its own."""

from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.storage.protocol import Database
from service.world import ALICE, CHLOE, LOADED

ADMINISTRATORS = "admin-api"
"""A group of the caller's."""


def turn_all_on(database: Database) -> None:
    """Let there be what is off unless somebody wants it, and let the caller be an administrator."""
    settings = Settings(
        admin_users=True, project_admins=[ALICE.uuid, CHLOE.uuid], administrators=ADMINISTRATORS
    )
    load(database, StateDocument(settings=settings), LOADED)


def errors_in(log: str) -> list[str]:
    """What a service has logged, if there are failures of its own in it."""
    lines = log.splitlines()
    failed = any(" ERROR " in line or line.startswith("Traceback") for line in lines)
    return lines if failed else []
