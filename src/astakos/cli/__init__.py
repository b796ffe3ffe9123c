"""The command `astakos`. Each subcommand is imported only when it is called, so that all start quickly."""

import importlib
from typing import Any

import click

COMMANDS = {
    "backup": "astakos.cli.backup:backup",
    "commission": "astakos.cli.commissions:commission",
    "component": "astakos.cli.components:component",
    "demo": "astakos.cli.demo:demo",
    "dump": "astakos.cli.state:dump",
    "load": "astakos.cli.state:load",
    "migrate": "astakos.cli.migrate:migrate",
    "quota": "astakos.cli.quotas:quota",
    "resource": "astakos.cli.resources:resource",
    "serve": "astakos.cli.serve:serve",
    "user": "astakos.cli.users:user",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name only, until one of them is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Carry out a command; what it refuses becomes one line and the exit status 1."""
        from astakos.administration.document import StateError  # noqa: PLC0415 - see the module's first line
        from astakos.ledger.storage import StorageUnavailableError  # noqa: PLC0415
        from astakos.storage.database import DatabaseError  # noqa: PLC0415

        try:
            return super().invoke(ctx)
        except (StateError, DatabaseError, StorageUnavailableError) as error:
            raise click.ClickException(str(error)) from error


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="astakosclient", prog_name="astakos")
def main() -> None:
    """Identity and quota for services: who holds this token, and may they have one more?

    \b
    Start with:
      astakos demo       see every call at work
      astakos serve      run the service on ./astakos.db
    """
