"""The story of an installation that loses each of its parts in turn, under load.

By hand, as root, from the root of the repository (`make test-high-availability` installs what it needs):

    PYTHONPATH=src:tests:. .venv/bin/python -m high_availability [--only primary partition] [--logs FOLDER]

Each time, everything that was acknowledged must be in the ledger once, nothing may be oversold, no two
servers may have taken writes at the same time, `astakos doctor` must find nothing, and the service must come
back by itself. For each, a line is printed: how long no call of a client was answered, how long no PostgreSQL
took a write directly, the longest call with all its repetitions, and how many calls were answered.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

from astakosclient.errors import InsecureConnectionWarning
from high_availability.comparison import compare
from high_availability.installation import SERVICE_URL, Installation, running_installation
from high_availability.isolation import isolate
from high_availability.load import DOCUMENT, Load
from high_availability.misfortunes import MISFORTUNES, Misfortune
from high_availability.probes import Probes, check_marks, longest_gap

BEFORE_SECONDS = 2.0
AFTER_SECONDS = 2.0
PATRONI = Path(".venv-patroni/bin/patroni")
COLUMNS = "{:<50} {:>9} {:>9} {:>9} {:>7}  {}"


def endure(misfortune: Misfortune, installation: Installation, load: Load) -> None:
    """Lets it happen under load, checks everything, and prints how long nothing was written."""
    probes = Probes(installation.passwords["superuser_password"])
    load.noted.longest_call = 0.0
    load.noted.errors.clear()
    with contextlib.closing(probes):
        load.resume()
        time.sleep(BEFORE_SECONDS)
        began = time.monotonic()
        remark = misfortune.happen(installation)
        installation.await_health()
        time.sleep(AFTER_SECONDS)
        ended = time.monotonic()
        load.pause()
    compare(load.noted.wishes, installation.url())
    check_marks(probes.marks, installation.url("postgres"))
    installation.command("doctor")
    acknowledged = [moment for moment in load.noted.acknowledged if began <= moment <= ended]
    gaps = [
        longest_gap(moments, began, ended)
        for moments in (acknowledged, [mark.acknowledged for mark in probes.marks])
    ]
    errors = ", ".join(f"{count} x {kind}" for kind, count in load.noted.errors.items())
    _print(
        misfortune.told,
        *(f"{seconds:.1f} s" for seconds in (*gaps, load.noted.longest_call)),
        str(len(acknowledged)),
        "; ".join(filter(None, (remark, errors))),
    )


def _print(*columns: str) -> None:
    sys.stdout.write(COLUMNS.format(*columns).rstrip() + "\n")
    sys.stdout.flush()


def main() -> None:
    """Tell the story; exit with 1 if it goes wrong."""
    names = [misfortune.name for misfortune in MISFORTUNES]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="what is to happen")
    parser.add_argument("--logs", type=Path, help="a folder for what all parts say")
    parser.add_argument("--patroni", type=Path, default=PATRONI, help="the program")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = parser.parse_args()
    isolate("high_availability", sys.argv[1:])
    sys.stdout.write(f"seed {arguments.seed}\n")
    # It disappears with the namespace, in which /run is in memory.
    folder = Path(tempfile.mkdtemp(dir="/run"))
    folder.chmod(0o755)
    with contextlib.ExitStack() as stack:
        began = time.monotonic()
        installation = stack.enter_context(
            running_installation(folder, arguments.patroni.absolute(), DOCUMENT, arguments.logs)
        )
        # The network exists for this process only.
        warnings.simplefilter("ignore", InsecureConnectionWarning)
        load = Load(SERVICE_URL, arguments.seed)
        stack.callback(load.end)
        sys.stdout.write(f"all parts work after {time.monotonic() - began:.0f} s\n")
        _print("what happens", "no calls", "no writes", "longest", "calls", "what else")
        for misfortune in MISFORTUNES:
            if misfortune.name in arguments.only:
                endure(misfortune, installation, load)
        sys.stdout.write(
            f"{len(load.noted.wishes)} commissions asked for, in {time.monotonic() - began:.0f} s; "
            "all that was acknowledged is there once, and nothing is oversold\n"
        )


if __name__ == "__main__":
    main()
