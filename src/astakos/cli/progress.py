"""How far it is, on a terminal."""

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress_bar(task: str, *, visible: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while the context lasts; nothing if that is no terminal, or none is wanted.

    What it gives is to be told how much is done, of how much.
    """
    if not (visible and sys.stderr.isatty()):
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - nobody else should have to wait for it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(task)
        yield lambda done, total: progress.update(bar, completed=done, total=total)
