"""A service whose users are administered over HTTP."""

from collections.abc import Iterator

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.storage.protocol import Database
from service.caller import Caller
from service.installation import running
from service.world import LOADED

TURNED_ON = StateDocument(settings=Settings(admin_users=True))


@pytest.fixture
def administered(database: Database) -> Iterator[Caller]:
    """A service in which administrators may manage users over HTTP."""
    load(database, TURNED_ON, LOADED)
    with running(database) as caller:
        yield caller
