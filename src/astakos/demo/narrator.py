"""Telling of calls as they are made: who asks, what comes back, and whether that is as it should be."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click

from astakosclient import AstakosClient, AstakosClientException
from astakosclient.errors import QuotaLimit

LONGEST = 300
"""How much of an answer is shown."""


class Told(NamedTuple):
    """One call that was made."""

    method: str
    outcome: str
    milliseconds: float
    good: bool


class Narrator:
    """Makes calls on one client and tells of each."""

    def __init__(self, client: AstakosClient, labels: Mapping[str, str]) -> None:
        """Tell of calls of a client, with labels shown instead of tokens and identifiers."""
        self._client = client
        self._labels = labels
        self._told: list[Told] = []

    def chapter(self, title: str) -> None:
        """Begin something new."""
        click.echo()
        click.secho(title, bold=True)

    def say(self, text: str) -> None:
        """Explain."""
        click.echo(f"  {text}")

    def ask(self, method: str, *args: Any, expect: Callable[[Any], bool], **kwargs: Any) -> Any:
        """Make a call whose answer must be as expected, and answer it."""
        self._show_call(method, args, kwargs)
        began = time.perf_counter()
        try:
            answer = getattr(self._client, method)(*args, **kwargs)
        except AstakosClientException as error:
            self._tell(method, began, f"{type(error).__name__}: {error}", good=False)
            return None
        good = expect(answer)
        self._tell(method, began, self._shown(answer), good=good)
        return answer

    def refuse(self, refusal: type[AstakosClientException], method: str, *args: Any, **kwargs: Any) -> None:
        """Make a call that must be refused in this way."""
        self._show_call(method, args, kwargs)
        began = time.perf_counter()
        try:
            answer = getattr(self._client, method)(*args, **kwargs)
        except AstakosClientException as error:
            text = f"{error.message}: {error.details}" if isinstance(error, QuotaLimit) else str(error)
            outcome = self._shown_text(f"{type(error).__name__}: {text}")
            self._tell(method, began, outcome, good=isinstance(error, refusal))
        else:
            self._tell(method, began, self._shown(answer), good=False)

    def print_table(self, seconds: float) -> bool:
        """End with a table of all calls; whether each was as it should be."""
        click.echo()
        click.secho(f"{'call':28}  {'ms':>6}  outcome", bold=True)
        for told in self._told:
            mark = "as it should be" if told.good else f"WRONG: {told.outcome}"
            click.echo(f"{told.method:28}  {told.milliseconds:6.1f}  {mark}")
        wrong = sum(not told.good for told in self._told)
        methods = len({told.method for told in self._told})
        click.echo()
        verdict = f"{wrong} went wrong" if wrong else "each answered as it should"
        click.secho(
            f"{len(self._told)} calls of {methods} methods in {seconds:.1f} s; {verdict}.",
            fg="red" if wrong else "green",
        )
        return not wrong

    def _show_call(self, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        shown = [self._shown(arg) for arg in args] + [
            f"{name}={self._shown(v)}" for name, v in kwargs.items()
        ]
        click.echo(f"    client.{method}({', '.join(shown)})")

    def _tell(self, method: str, began: float, outcome: str, *, good: bool) -> None:
        self._told.append(Told(method, outcome, (time.perf_counter() - began) * 1000, good))
        text = outcome if len(outcome) <= LONGEST else outcome[:LONGEST] + " …"
        click.secho(f"      → {text}", fg="cyan" if good else "red")

    def _shown(self, value: Any) -> str:
        return self._shown_text(repr(value))

    def _shown_text(self, text: str) -> str:
        for long, label in self._labels.items():
            text = text.replace(f"'{long}'", label).replace(long, label)
        return text
