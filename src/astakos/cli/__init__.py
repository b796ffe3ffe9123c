"""The `astakos` command. Each subcommand is imported only when called, so that all start quickly."""

import importlib
import sys
from typing import Any

import click

from astakos.cli.standard_streams import OUTPUT, abandon_output, prepare_streams

COMMANDS = {
    "backup": "astakos.cli.backup_command:backup",
    "catalog": "astakos.cli.offer_commands:catalog",
    "commission": "astakos.cli.commission_commands:commission",
    "component": "astakos.cli.component_commands:component",
    "demo": "astakos.cli.demo_command:demo",
    "dump": "astakos.cli.state_commands:dump",
    "load": "astakos.cli.state_commands:load",
    "migrate": "astakos.cli.migrate_command:migrate",
    "names": "astakos.cli.name_commands:names",
    "quota": "astakos.cli.quota_commands:quota",
    "quotas": "astakos.cli.account_commands:quotas",
    "resource": "astakos.cli.resource_commands:resource",
    "resources": "astakos.cli.offer_commands:resources",
    "serve": "astakos.cli.serve_command:serve",
    "user": "astakos.cli.user_commands:user",
    "uuids": "astakos.cli.name_commands:uuids",
    "whoami": "astakos.cli.account_commands:whoami",
}

NOT_INSTALLED = 'the service is not installed here; install it with: pip install "astakos[server]"'


class LazyGroup(click.Group):
    """A command group that imports a command on first use."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as missing:
            return _not_installed(cmd_name, str(missing.name))
        return command

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line. If its output cannot be written, say so in one line, with exit status 1."""
        prepare_streams()
        try:
            return super().main(*args, **extra)
        except OSError as error:
            abandon_output()
            what = f"{error.filename} cannot be used" if error.filename else f"{OUTPUT} cannot be written"
            sys.exit(f"Error: {what}: {error.strerror or error}; changes that the command has made are kept")

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; report expected errors in one line, with exit status 1."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if _is_refusal(error):
                raise click.ClickException(str(error)) from error
            raise


def _is_refusal(error: Exception) -> bool:
    try:
        from astakos.administration.state_document import StateError  # noqa: PLC0415 - see the module docstring
        from astakos.ledger.ports import StorageUnavailableError  # noqa: PLC0415
        from astakos.storage.errors import DatabaseError  # noqa: PLC0415
    except ModuleNotFoundError:
        return False
    return isinstance(error, StateError | DatabaseError | StorageUnavailableError)


def _not_installed(name: str, missing: str) -> click.Command:
    """Return a placeholder for a command of the service, for when only the client is installed."""

    def refuse() -> None:
        raise click.ClickException(f"{NOT_INSTALLED} ({missing} is missing)")

    return click.Command(
        name,
        callback=refuse,
        short_help="(The service is not installed here.)",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="astakos", prog_name="astakos")
def main() -> None:
    """Identity and quota for services: who holds this token, and may they have one more?

    \b
    Start with:
      astakos demo       see every call at work
      astakos serve      run the service on ./astakos.db
      astakos whoami     show who holds a token (see its --help)
    """
