"""`astakos demo`: a guided run of every documented call against a real, temporary service."""

import tempfile
import time
from pathlib import Path

import click

from astakos import clock
from astakos.administration.component_registration import register_own_services
from astakos.administration.load import load
from astakos.demo.narrator import Narrator
from astakos.demo.story import tell
from astakos.demo.world import make_world
from astakos.processes.listening import LOOPBACK, listen
from astakos.server import running
from astakos.service.service import Service
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakosclient import AstakosClient


@click.command()
def demo() -> None:
    """Run every call of the client and show the results.

    Starts a real service on this machine, and removes it afterward. Takes a few seconds.
    """
    began = time.monotonic()
    world = make_world()
    with tempfile.TemporaryDirectory(prefix="astakos-demo-") as folder:
        database = SQLiteDatabase(f"sqlite:///{Path(folder, 'astakos.db')}")
        database.open()
        load(database, world.document, clock.now())
        listener = listen(LOOPBACK, 0)
        base_url = f"http://{LOOPBACK}:{listener.getsockname()[1]}/astakos"
        register_own_services(database, base_url, clock.now())
        with (
            running.serving(Service(database, base_url), listener),
            AstakosClient(base_url, retry=2) as client,
        ):
            narrator = Narrator(client, world.labels)
            tell(narrator, world, base_url)
    good = narrator.print_table(time.monotonic() - began)
    if not good:
        raise click.exceptions.Exit(1)
