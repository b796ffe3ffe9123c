"""Kinds of events on the command line."""

import re

import click

FORM = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)?", re.ASCII)


class Kind(click.ParamType[str]):
    """A kind of events like `project.approved`, or the first part of several, like `project`."""

    name = "kind"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the kind."""
        text = str(value)
        if not FORM.fullmatch(text):
            self.fail(
                f"{text!r} is not a kind of events; write it like project.approved, or project for all those",
                param,
                ctx,
            )
        return text


KIND = Kind()
