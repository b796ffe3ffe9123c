"""Builds the image of deploy/Containerfile, unchanged, into a file."""

import os
import subprocess
from pathlib import Path

from containers.podman import Podman

ROOT = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.13-slim"
DEBIAN = "trixie"
"""The release whose Python is that of the base image."""
OF_PYTHON = "python3-venv,python3-pip,ca-certificates"
STAND_IN = """\
FROM localhost/debian
RUN ln -s /usr/bin/python3 /usr/local/bin/python
"""
TO_BUILD_SECONDS = 900


def build(podman: Podman, archive: Path, *, stands_in: bool) -> None:
    """Builds the image, and writes it to a file.

    Args:
        podman: with room for images.
        archive: the file.
        stands_in: whether Debian stands in for the base image, where its registry cannot be reached.
    """
    options = ["--format", "docker"]
    if stands_in:
        _make_base(podman, archive.parent)
        # Without a runtime, the build uses this machine's network; what it needs to install packages is lent.
        options += ["--isolation", "chroot", "--pull=never", *_lent()]
    podman("build", *options, "-f", f"{ROOT}/deploy/Containerfile", "-t", "astakos", str(ROOT))
    podman("save", "--format", "docker-archive", "--output", str(archive), "astakos")


def _make_base(podman: Podman, folder: Path) -> None:
    tree = folder / "debian.tar"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={OF_PYTHON}", DEBIAN, str(tree)]
    subprocess.run(command, check=True, timeout=TO_BUILD_SECONDS)
    podman("import", str(tree), "localhost/debian")
    tree.unlink()
    description = folder / "Base"
    description.write_text(STAND_IN)
    empty = folder / "empty"
    empty.mkdir()
    podman("build", "--isolation", "chroot", "--pull=never", "-f", str(description), "-t", BASE, str(empty))


def _lent() -> list[str]:
    found = {"/etc/pip.conf": "/etc/pip.conf"}
    found[os.environ.get("SSL_CERT_FILE", "")] = "/etc/ssl/certs/ca-certificates.crt"
    return [f"--volume={ours}:{its}:ro" for ours, its in found.items() if Path(ours).is_file()]
