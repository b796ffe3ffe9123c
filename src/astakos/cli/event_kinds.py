"""Kinds of events on the command line."""

import click


class Kind(click.ParamType[str]):
    """A kind of events like `project.suspended`, or the first part of several, like `project`."""

    name = "kind"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the kind."""
        # Imported here because help and completion need no tables of transitions.
        from astakos.administration.event_kinds import refuse_kind  # noqa: PLC0415

        text = str(value)
        refusal = refuse_kind(text)
        if refusal is not None:
            self.fail(refusal, param, ctx)
        return text


KIND = Kind()
