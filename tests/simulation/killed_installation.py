"""The installation that is killed: room for everything, and for one user meters, grants and a key."""

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import (
    ComponentEntry,
    GrantEntry,
    KeyEntry,
    ResourceEntry,
    ServiceEntry,
    StateDocument,
    UserEntry,
)
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.periods import Unit
from astakos.ledger.rules import UNLIMITED, Key
from astakos.storage.protocol import Database
from service.installation import set_limits
from simulation.serving import TOKEN

HOLDINGS = tuple(
    key
    for number in range(4)
    for key in (
        Key(f"user:{number}", f"project:{number % 2}", "vm"),
        Key(f"project:{number % 2}", None, "vm"),
    )
)
ADA = "0000000a-0000-4000-8000-00000000000a"
KEY_PREFIX = "astk_kkkkkkkk"
TOKENS = Key(f"user:{ADA}", f"project:{ADA}", "tokens")
PROJECT_TOKENS = Key(f"project:{ADA}", None, "tokens")
KEY_TOKENS = Key(f"key:{KEY_PREFIX}", TOKENS.holder, "tokens")
LEVELS = (TOKENS, PROJECT_TOKENS, KEY_TOKENS)
BUDGET, RATE = "tokens/minute", "tokens/per-century"
PLENTY = 10**12
METERS = {
    BUDGET: (MeterDefinition(unit=Unit.MINUTE), 20),
    RATE: (MeterDefinition(kind=Kind.RATE, unit=Unit.WEEK, every=5000), 10**7),
}
"""Definitions and limits; the rate drains a unit in five minutes. Grants lift the limit of the budget."""
FIRST_GRANT = 30
"""The amount of the one that is soon used up."""


def fill(database: Database) -> None:
    """Makes the installation."""
    database.open()
    began = "2020-01-01T00:00:00+00:00"
    meters = [
        ResourceEntry(name=name, service="compute", meter=definition, system_default=limit)
        for name, (definition, limit) in METERS.items()
    ]
    document = StateDocument(
        components=[ComponentEntry(name="compute", token=TOKEN)],
        services=[ServiceEntry(name="compute", type="compute", component="compute")],
        resources=[ResourceEntry(name="tokens", service="compute"), *meters],
        users=[UserEntry(uuid=ADA, email="ada@example.org")],
        keys=[
            KeyEntry(
                user=ADA,
                prefix=KEY_PREFIX,
                name="notebook",
                limits={"tokens": PLENTY, BUDGET: PLENTY, RATE: METERS[RATE][1]},
            )
        ],
        grants=[
            GrantEntry(number=number, resource="tokens", amount=amount, starts=began, user=ADA)
            for number, amount in ((1, FIRST_GRANT), (2, PLENTY))
        ],
    )
    load(database, document, clock.now())
    database.change(lambda connection: set_limits(connection, ((key, UNLIMITED) for key in HOLDINGS)))
