"""A group of commands that imports each of them only when it is called, so that all start quickly."""

import importlib
from collections.abc import Collection, Mapping
from typing import Any

import click

NOT_INSTALLED = 'the service is not installed here; install it with: pip install "astakos[server]"'


class LazyGroup(click.Group):
    """A command group that imports a command on first use.

    Attributes:
        sections: the names of the commands in each section of the help text, by its title.
    """

    def __init__(
        self,
        *args: Any,
        targets: Mapping[str, str],
        older_names: Mapping[str, str] | None = None,
        sections: Mapping[str, Collection[str]] | None = None,
        **settings: Any,
    ) -> None:
        """Sets where the commands are.

        Args:
            args: what `click.Group` takes.
            targets: `module:attribute` of each command, by name.
            older_names: the same for names that still work, but are not shown.
            sections: the names of the commands in each section of the help text, by its title.
            settings: what `click.Group` takes.
        """
        super().__init__(*args, **settings)
        self._targets = dict(targets)
        self._older_names = dict(older_names or {})
        self.sections = dict(sections or {"Commands": self._targets})

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Returns the names of all commands."""
        return sorted(self._targets)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds a command; names those with a similar name if there is none."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            # `click` looks for similar names among the commands that have been added.
            raise click.NoSuchCommand(
                error.command_name, possibilities=self.list_commands(ctx), ctx=error.ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands into the help text, in sections."""
        for title, names in self.sections.items():
            commands = ((name, self.get_command(ctx, name)) for name in sorted(names))
            with formatter.section(title):
                formatter.write_dl(
                    [(name, command.get_short_help_str(limit=70)) for name, command in commands if command]
                )

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports and returns a command."""
        target = self._targets.get(cmd_name) or self._older_names.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as missing:
            return _not_installed(cmd_name, str(missing.name))
        return command


def _not_installed(name: str, missing: str) -> click.Command:
    """Returns a placeholder for a command of the service, for when only the client is installed."""

    def refuse() -> None:
        raise click.ClickException(f"{NOT_INSTALLED} ({missing} is missing)")

    return click.Command(
        name,
        callback=refuse,
        short_help="(The service is not installed here.)",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
