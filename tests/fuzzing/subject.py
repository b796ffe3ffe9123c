"""The service that is fuzzed: all of it is turned on, and it logs no failures of its own."""

from astakos.administration.load import load
from astakos.administration.state_document import KeyEntry, ResourceEntry, Settings, StateDocument
from astakos.directory.api_keys import NAME_CHARACTERS
from astakos.http.statistics import GROUP as STATISTICS
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.periods import Unit
from astakos.storage.protocol import Database
from service.world import ALICE, CHLOE, LOADED, RAM, users

ADMINISTRATORS = "admin-api"
"""A group of the caller's."""
KEYS = tuple(f"astk_fuzzed2{character}" for character in NAME_CHARACTERS)
"""The prefixes of the keys of the caller: more than are deleted meanwhile."""
METER = f"{RAM}/day"


def turn_all_on(database: Database) -> None:
    """Turns on what is off unless somebody wants it, and makes the caller an administrator with keys."""
    settings = Settings(
        admin_users=True,
        project_admins=[ALICE.uuid, CHLOE.uuid],
        administrators=ADMINISTRATORS,
        groups=[STATISTICS],
        most_keys=1000,
    )
    [caller] = [user for user in users() if user.uuid == ALICE.uuid]
    caller.groups = [*caller.groups, STATISTICS]
    keys = [KeyEntry(user=ALICE.uuid, prefix=prefix, name=prefix) for prefix in KEYS]
    meter = ResourceEntry(name=METER, service="compute_api", meter=MeterDefinition(unit=Unit.DAY))
    document = StateDocument(settings=settings, resources=[meter], users=[caller], keys=keys)
    load(database, document, LOADED)


def errors_in(log: str) -> list[str]:
    """What a service has logged, if there are failures of its own in it."""
    lines = log.splitlines()
    failed = any(" ERROR " in line or line.startswith("Traceback") for line in lines)
    return lines if failed else []
