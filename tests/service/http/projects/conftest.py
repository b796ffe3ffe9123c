"""What all tests of the projects API begin with."""

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.storage.protocol import Database
from service.world import LOADED

MOST_PENDING = 2


@pytest.fixture
def database(database: Database) -> Database:
    """The world, in which users can have two pending applications."""
    pending = ResourceEntry(
        name="astakos.pending_app",
        service="astakos_account",
        system_default=MOST_PENDING,
        project_default=0,
        ui_visible=False,
        api_visible=False,
    )
    load(database, StateDocument(resources=[pending]), LOADED)
    return database
