"""The ledger of another revision beside this checkout's, counted in instructions of the processor, on SQLite.

Give a git revision, for example `HEAD~10`. Times differ from run to run with what else a machine does, counts
by about a thousandth. The pairs are those of `benchmarks.checkouts`, without HTTP, under Valgrind (Debian's
package `valgrind`); what starting takes is not counted.
"""

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import machine
from benchmarks.checkouts import BATCHES, HERE, STEPS, Contestant, worktree
from benchmarks.population import database_url
from benchmarks.results import Result, show

TURNS = (4, 24)
"""The difference of a short and a long process is what the turns between them take."""
SEED = 0
COUNTED = re.compile(r"I\s+refs:\s+([\d,]+)")


def instructions_of_pair(checkout: Path, batch: int, folder: Path) -> float:
    """Counts what an issue and its accept take, in batches of so many."""
    made = folder / "made.db"
    Contestant(checkout, database_url(made), batch, SEED).close()
    short, long = (_instructions(checkout, batch, made, turns) for turns in TURNS)
    return (long - short) / ((TURNS[1] - TURNS[0]) * STEPS * batch)


def _instructions(checkout: Path, batch: int, made: Path, turns: int) -> int:
    path, log = made.with_name(f"{turns}.db"), made.with_name(f"{turns}.log")
    shutil.copy(made, path)
    valgrind = (
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
        f"--log-file={log}",
    )
    contestant = Contestant(checkout, database_url(path), batch, SEED, under=valgrind)
    for _ in range(turns):
        contestant.take_turn()
    contestant.close()
    counted = COUNTED.search(log.read_text())
    if counted is None:
        raise RuntimeError(f"Valgrind has counted nothing:\n{log.read_text()}")
    return int(counted[1].replace(",", ""))


def main() -> None:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("revision", help="the git revision to compare with")
    parser.add_argument(
        "--batches", type=int, nargs="+", default=BATCHES, help="commissions of a transaction"
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("There is no Valgrind. Install it: apt install valgrind")
    show([Result("Where", ("", ""), machine.describe())], markdown=arguments.markdown)
    rows: list[tuple[str, ...]] = []
    with worktree(arguments.revision) as other:
        for batch in arguments.batches:
            counts = []
            for checkout in (other, HERE):
                with tempfile.TemporaryDirectory(prefix="astakos-benchmark-") as folder:
                    counts.append(instructions_of_pair(checkout, batch, Path(folder)))
            before, this = counts
            rows.append((f"batches of {batch}", f"{before:,.0f}", f"{this:,.0f}", f"{this / before:.3f} ×"))
    result = Result(
        f"The ledger of {arguments.revision} beside this checkout's: issue + accept, 4 provisions, no HTTP",
        ("case", f"{arguments.revision}, instructions", "this, instructions", "ratio"),
        rows,
        f"A pair on SQLite, without the kernel; the mean of {TURNS[1] - TURNS[0]} turns of {STEPS} batches.",
    )
    show([result], markdown=arguments.markdown)


if __name__ == "__main__":
    main()
