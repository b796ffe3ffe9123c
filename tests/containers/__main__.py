"""The story of the image: it is built, and runs as the compose file and the manifests say.

By hand, as root, from the root of the repository (`make test-containers` installs what it needs):

    PYTHONPATH=src:tests:. .venv/bin/python -m containers [--stand-in]

With `--stand-in`, Debian stands in for the base image, where its registry cannot be reached. A line is
printed for each thing that was found to be so. Containers run in namespaces of their own (network, mounts,
processes), so that nothing is left when it ends.
"""

import argparse
import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.postgres_server import QUICK, PostgresServer

from containers import alone, clustered
from containers.building import build
from containers.podman import Podman, say
from high_availability.isolation import MARK, isolate

FREE_PORT = 5432
"""Free, because the network is our own."""


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # Not in memory: images are large.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="astakos-containers-") as name:
        yield Path(name)


def _tell(archive: Path) -> None:
    """Runs everything, in namespaces of our own."""
    # Runtimes refuse a hierarchy of both versions; this mount is ours alone.
    subprocess.run(["umount", "/sys/fs/cgroup/unified"], capture_output=True, check=False)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder = archive.parent
    podman = Podman(folder)
    podman("load", "--input", str(archive))
    try:
        alone.tell(podman)
        with tempfile.TemporaryDirectory(dir="/tmp", prefix="pg-") as place:
            server = PostgresServer(Path(place), QUICK, FREE_PORT)
            server.make()
            server.start()
            try:
                clustered.tell(podman, folder)
            finally:
                server.stop()
    finally:
        podman("rm", "--all", "--force", "--time", "0")


def main() -> None:
    """Build outside, where packages can be fetched; run inside."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stand-in", action="store_true", help="let Debian stand in for the base image")
    parser.add_argument("--archive", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if MARK in os.environ:
        _tell(given.archive)
        return
    if os.geteuid() != 0:
        raise SystemExit("Run this as root: it makes namespaces, and containers in them.")
    with _folder() as folder:
        archive = folder / "image.tar"
        build(Podman(folder), archive, stands_in=given.stand_in)
        say(f"built: {archive.stat().st_size >> 20} MiB")
        process = os.fork()
        if process == 0:
            isolate("containers", ["--archive", str(archive)])
        _, status = os.waitpid(process, 0)
    raise SystemExit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
