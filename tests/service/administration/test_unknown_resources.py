"""Which resource an operator may have meant."""

import pytest

from astakos.administration.unknown_resources import no_such_resource
from astakos.storage.protocol import Database
from service.command import astakos, refused
from service.world import ALICE, RAM, SPACE, TOTAL_RAM, VM

pytestmark = pytest.mark.every_engine


def test_similar_names_are_told(database: Database) -> None:
    astakos(database, "resource", "set", VM, "--meter", "month=5", "--rate", "minute=2")
    meters = f"there are {VM}/month, {VM}/per-minute"
    name = f"{VM}/minute"
    assert no_such_resource(database.reader(), name) == f"there is no resource {name!r}; {meters}"
    assert refused(database, "quota", "set", ALICE.email, name, "1").endswith(meters)
    assert VM in no_such_resource(database.reader(), VM.replace(".", "-"))


def test_others_are_told_if_none_is_similar(database: Database, empty: Database) -> None:
    known = f"{RAM}, {TOTAL_RAM}, {VM}, {SPACE}"
    assert no_such_resource(database.reader(), "x/y") == f"there is no resource 'x/y'; there are {known}"
    astakos(database, "resource", "set", SPACE, "--meter", "month=5", "--rate", "minute=2")
    assert no_such_resource(database.reader(), "x").endswith(f"; there are {known}, {SPACE}/month and 1 more")
    assert no_such_resource(empty.reader(), "x") == "there is no resource 'x'; none is registered"
