"""Makes calls, prints each with its answer, and checks that the answer is as expected."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click

from astakosclient import AstakosClient, AstakosClientException
from astakosclient.errors import QuotaLimit

LONGEST = 300
"""How many characters of an answer are printed."""


class Told(NamedTuple):
    """A call and its outcome."""

    method: str
    outcome: str
    milliseconds: float
    good: bool


class Narrator:
    """Makes calls on a client and prints them."""

    def __init__(self, client: AstakosClient, labels: Mapping[str, str]) -> None:
        """Sets the client, and the labels to print instead of tokens and identifiers."""
        self._client = client
        self._labels = dict(labels)
        self._told: list[Told] = []

    def call(self, long: str, label: str) -> None:
        """Prints a label in place of one more identifier."""
        self._labels[long] = label

    def chapter(self, title: str) -> None:
        """Prints the title of a chapter."""
        click.echo()
        click.secho(title, bold=True)

    def say(self, text: str) -> None:
        """Prints an explanation."""
        click.echo(f"  {text}")

    def ask(
        self, method: str, *args: Any, expect: Callable[[Any], bool], key_label: str = "", **kwargs: Any
    ) -> Any:
        """Makes a call whose answer must satisfy `expect`, and returns the answer.

        Args:
            method: the client's method.
            args: its arguments.
            expect: whether an answer is right.
            key_label: what to print in place of the `key` in the answer, if it has one.
            kwargs: the method's keyword arguments.
        """
        self._show_call(method, args, kwargs)
        began = time.perf_counter()
        try:
            answer = getattr(self._client, method)(*args, **kwargs)
        except AstakosClientException as error:
            self._tell(method, began, f"{type(error).__name__}: {error}", good=False)
            return None
        good = expect(answer)
        if key_label:
            self.call(answer["key"], key_label)
        self._tell(method, began, self._shown(answer), good=good)
        return answer

    def refuse(self, refusal: type[AstakosClientException], method: str, *args: Any, **kwargs: Any) -> None:
        """Makes a call that must raise `refusal`."""
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
        """Prints a table of all calls; returns whether all outcomes were as expected."""
        click.echo()
        click.secho(f"{'call':28}  {'ms':>6}  outcome", bold=True)
        for told in self._told:
            mark = "as expected" if told.good else f"UNEXPECTED: {told.outcome}"
            click.echo(f"{told.method:28}  {told.milliseconds:6.1f}  {mark}")
        wrong = sum(not told.good for told in self._told)
        methods = len({told.method for told in self._told})
        click.echo()
        verdict = f"{wrong} not as expected" if wrong else "all as expected"
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
