"""A progress bar on the terminal."""

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress_bar(task: str, *, visible: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Shows a progress bar on standard error, if it is a terminal and the bar is `visible`.

    Yields a function to call with the number of items done and the total.
    """
    if not (visible and sys.stderr.isatty()):
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(task)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


@contextlib.contextmanager
def progress_line() -> Iterator[Callable[[str, int, int], None]]:
    """Shows on one line of standard error, if it is a terminal, how far several long tasks are.

    Yields a function to call with a task, the number of items done, and the total. The line is gone once a
    task is done, so that results can be printed in between.
    """
    if not sys.stderr.isatty():
        yield lambda _task, _done, _total: None
        return
    shown = -1

    def report(task: str, done: int, total: int) -> None:
        nonlocal shown
        percent = 100 if done >= total else 100 * done // total
        if percent != shown:
            shown = percent
            line = "" if percent == 100 else f"{task}: {percent} %"
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()

    try:
        yield report
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
