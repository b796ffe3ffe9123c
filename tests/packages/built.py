"""Builds packages from this source, or from another folder with it."""

import subprocess
import sys
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[2]


def built(kind: Literal["sdist", "wheel"], folder: Path, source: Path = ROOT) -> Path:
    """Builds one package into `folder`."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", folder],
        cwd=source,
        check=True,
        capture_output=True,
        timeout=300,
    )
    (package,) = folder.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return package
