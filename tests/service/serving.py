"""A service whose catalogue leads to itself, for clients that follow it."""

import contextlib
from collections.abc import Iterator

from astakos.administration.component_registration import register_own_services
from astakos.administration.load import load
from astakos.administration.state_document import StateDocument
from astakos.processes.listening import LOOPBACK, listen
from astakos.server.running import serving
from astakos.service.service import Service
from astakos.storage.protocol import Database
from service.world import LOADED


@contextlib.contextmanager
def serving_as_itself(database: Database, document: StateDocument) -> Iterator[str]:
    """Serves a document under the URL at which it really is, which is answered."""
    with listen(LOOPBACK, 0) as listener:
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}/astakos"
        document.base_url = url
        load(database, document, LOADED)
        register_own_services(database, url, LOADED)
        with serving(Service(database, url), listener):
            yield url
