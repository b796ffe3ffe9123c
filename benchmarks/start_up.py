"""What it costs to import the client, beside HTTP libraries; and what its wheel weighs."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks import command_line
from benchmarks.results import Result, ratio

ROOT = Path(__file__).parent.parent
NOTHING = "nothing"
REFERENCE = "astakosclient"
PROGRAMS = {
    NOTHING: "",
    REFERENCE: "import astakosclient",
    "astakosclient, and a client made": "import astakosclient; astakosclient.AstakosClient('http://localhost')",
    "http.client": "import http.client",
    "urllib3": "import urllib3",
    "requests": "import requests",
    "httpx2": "import httpx2",
    "aiohttp": "import aiohttp",
}
LEAST_ROUNDS = 5


def measure(seconds: float) -> Sequence[Result]:
    """Both."""
    return [_imports(seconds), _sizes()]


def _imports(seconds: float) -> Result:
    """All in turn, each in a process of its own, whose whole life is timed."""
    rounds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(rounds[NOTHING]) < LEAST_ROUNDS:
        for name, program in PROGRAMS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            rounds[name].append((time.perf_counter() - started) * 1e3)
    medians = {name: statistics.median(figures) for name, figures in rounds.items()}
    own = {name: median - medians[NOTHING] for name, median in medians.items()}
    return Result(
        "Importing",
        ("what", "ms of its own", f"to {REFERENCE}", "ms, process and all", "modules"),
        [
            (
                name,
                f"{own[name]:.1f}",
                ratio(own[name], own[REFERENCE]),
                f"{medians[name]:.1f}",
                str(_count_modules(program)),
            )
            for name, program in PROGRAMS.items()
        ],
        f"The median of {len(rounds[NOTHING])} processes each, in turn, less that of one that does nothing.",
    )


def _count_modules(program: str) -> int:
    counting = f"import sys; before = set(sys.modules)\n{program}\nprint(len(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", counting], capture_output=True, text=True, check=True)
    return int(done.stdout)


def _sizes() -> Result:
    """The wheel, by what is in it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--wheel-dir",
            folder,
            str(ROOT),
        ]
        subprocess.run(command, check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
        (wheel,) = Path(folder).glob("*.whl")
        whole = wheel.stat().st_size
        packed: Counter[str] = Counter()
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                packed[entry.filename.partition("/")[0]] += entry.compress_size
    return Result(
        "The wheel",
        ("what", "kB"),
        [("all of it", f"{whole / 1000:.0f}")]
        + [(f"{name}/", f"{size / 1000:.0f}") for name, size in sorted(packed.items())],
        "The service is in the same wheel, and is not imported with the client.",
    )


if __name__ == "__main__":
    command_line.run(__doc__, [measure])
