"""Databases that hold the document, one for each history."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from astakos.administration.component_registration import register_own_services
from astakos.administration.load import load
from astakos.storage.protocol import Database
from service.engines import Engine
from simulation.projects.world import BASE_URL, LOADED, document


@contextlib.contextmanager
def loaded(engine: Engine) -> Iterator[Database]:
    """A new database, for one history."""
    with tempfile.TemporaryDirectory() as folder:
        database = engine.new(Path(folder))
        try:
            database.open()
            load(database, document(), LOADED)
            register_own_services(database, BASE_URL, LOADED)
            yield database
        finally:
            engine.discard(database)
