"""The `astakos` command."""

import re
import sys
from typing import Any

import click

from astakos.cli.lazy_group import LazyGroup
from astakos.cli.standard_streams import OUTPUT, abandon_output, prepare_streams

ON_THE_DATABASE = {
    "audit": "astakos.cli.audit_commands:audit",
    "backup": "astakos.cli.backup_command:backup",
    "clock": "astakos.cli.clock_commands:clock",
    "commission": "astakos.cli.commission_commands:commission",
    "component": "astakos.cli.component_commands:component",
    "delivery": "astakos.cli.delivery_commands:delivery",
    "doctor": "astakos.cli.doctor_command:doctor",
    "dump": "astakos.cli.state_commands:dump",
    "grant": "astakos.cli.grant_commands:grant",
    "key": "astakos.cli.shared_groups:key",
    "load": "astakos.cli.state_commands:load",
    "migrate": "astakos.cli.migrate_command:migrate",
    "project": "astakos.cli.project_commands:project",
    "quota": "astakos.cli.shared_groups:quota",
    "resource": "astakos.cli.shared_groups:resource",
    "serve": "astakos.cli.serve_command:serve",
    "setting": "astakos.cli.setting_commands:setting",
    "user": "astakos.cli.user_group:user",
    "webhook": "astakos.cli.webhook_commands:webhook",
}
OVER_HTTP = {
    "catalog": "astakos.cli.offer_commands:catalog",
    "mcp": "astakos.cli.mcp_command:mcp",
    "names": "astakos.cli.name_commands:names",
    "uuids": "astakos.cli.name_commands:uuids",
    "whoami": "astakos.cli.account_commands:whoami",
}
ALONE = {"demo": "astakos.cli.demo_command:demo"}
COMMANDS = {**ON_THE_DATABASE, **OVER_HTTP, **ALONE}
OLDER_NAMES = {
    "quotas": "astakos.cli.account_commands:mine",
    "resources": "astakos.cli.offer_commands:offered",
}
"""What `quota mine` and `resource offered` were called; scripts use these."""

SECTIONS = {
    "Run and administer a service, on its database": ON_THE_DATABASE,
    "Ask a service over HTTP (also: key mine, quota mine, resource offered)": OVER_HTTP,
    "Try it": ALONE,
}

KEPT = "changes that the command has made are kept"
INTERRUPTED = f"interrupted; {KEPT}, so look before you repeat it"
SAY_WHY = "astakos.cli.say_why"
"""Where the context of a command has what says why it ends, if that is not a line on standard error."""
NEGATIVE = re.compile(r"-[0-9]")
"""How `click` names the option that it takes a negative number for."""


class AstakosCommand(LazyGroup):
    """The command as a whole: reports errors in one line."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Runs the command line. If its output cannot be written, says so in one line, with exit status 1."""
        prepare_streams()
        try:
            return super().main(*args, **extra)
        except OSError as error:
            abandon_output()
            what = f"{error.filename} cannot be used" if error.filename else f"{OUTPUT} cannot be written"
            sys.exit(f"Error: {what}: {error.strerror or error}; {KEPT}")

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; reports expected errors in one line, with exit status 1."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if not NEGATIVE.fullmatch(error.option_name):
                raise
            words = f"An amount must not be negative, and there is no option {error.option_name}."
            raise click.UsageError(words, error.ctx) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:
            told = _refusal(error, ctx)
            if told is None:
                raise
            say = ctx.meta.get(SAY_WHY)
            if say is None:
                raise click.ClickException(told) from error
            say(told)
            raise click.exceptions.Exit(1) from error


def _refusal(error: BaseException, ctx: click.Context) -> str | None:
    """Returns what an expected error says; None if the error is a defect of the code."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    try:
        # Imported here because they are missing where only the client is installed.
        from astakos.administration.state_document import StateError  # noqa: PLC0415
        from astakos.administration.user_registration import UserRefusedError  # noqa: PLC0415
        from astakos.cli.options import DATABASE_NAME  # noqa: PLC0415
        from astakos.ledger.ports import StorageUnavailableError  # noqa: PLC0415
        from astakos.projects.refusals import ProjectRefusedError  # noqa: PLC0415
        from astakos.storage.errors import DatabaseError  # noqa: PLC0415
    except ModuleNotFoundError:
        return None
    if isinstance(error, StorageUnavailableError):
        # Few of these errors name the database, because callers over HTTP see them as well.
        remedy = getattr(error, "remedy", "")
        name = ctx.meta.get(DATABASE_NAME, "")
        told = str(error) if name in str(error) else f"{name}: {error}"
        return f"{told}; {remedy}" if remedy else told
    expected = StateError | ProjectRefusedError | DatabaseError | UserRefusedError
    if not isinstance(error, expected):
        return None
    advice = getattr(error, "advice", "")
    return f"{error}; {advice}" if advice else str(error)


@click.command(
    cls=AstakosCommand,
    targets=COMMANDS,
    older_names=OLDER_NAMES,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="astakos", prog_name="astakos")
def main() -> None:
    """Identity and quota for services: who holds this token, and may they have one more?

    \b
    Start with:
      astakos demo       see every call at work
      astakos serve      run the service on ./astakos.db
      astakos whoami     show who holds a token (see its --help)
    """
