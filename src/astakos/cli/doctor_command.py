"""`astakos doctor`: examines an installation, and says what is wrong and what to do."""

import json
from typing import TYPE_CHECKING, Any

import click

from astakos import clock
from astakos.cli.options import database_option
from astakos.cli.output import json_option
from astakos.cli.progress import progress_line
from astakos.cli.shown_values import shown
from astakos.storage.opening import database_of

if TYPE_CHECKING:
    from astakos.doctor.examination import Examination
    from astakos.doctor.findings import Finding

COLORS = {"fault": "red", "warning": "yellow", "fine": "green"}


@click.command()
@click.option(
    "--url",
    envvar="ASTAKOS_BASE_URL",
    show_envvar=True,
    help="Ask the service at this URL; that it does not answer is then a fault.  "
    "[default: the setting base_url]",
)
@database_option
@json_option
@click.pass_context
def doctor(context: click.Context, url: str | None, database_url: str, as_json: bool) -> None:
    """Examine an installation, and say what is wrong and what to do.

    Looks at settings, database, permissions, clocks, the base URL, proxies, and what waits for somebody, and
    recomputes the figures of every holding. Changes nothing, and can be run while the service runs.
    docs/monitoring.md lists all checks.

    Exit status: 0 if all is well, 1 if there are warnings, 2 if there are faults.
    """
    from astakos.doctor.examination import examine  # noqa: PLC0415 - slow to import
    from astakos.doctor.findings import Level  # noqa: PLC0415

    worst, documents = Level.FINE, list[dict[str, Any]]()
    with progress_line() as report:
        for one in examine(database_of(database_url), clock.now(), url, report):
            worst = max(worst, one.level)
            if as_json:
                documents.append(_document(one))
            else:
                _print(one)
    if as_json:
        click.echo(json.dumps({"level": worst.word, "checks": documents}, indent=2))
    context.exit(int(worst))


def _document(one: "Examination") -> dict[str, Any]:
    return {
        "check": one.check.name,
        "level": one.level.word,
        "not_examined": one.not_examined,
        "number": one.number,
        "findings": [
            {"level": found.level.word, "text": found.text, "remedy": found.remedy} for found in one.findings
        ],
    }


def _print(one: "Examination") -> None:
    if one.not_examined is not None:
        click.echo(f"{one.check.name:<12} not examined: {shown(one.not_examined)}")
        return
    state = click.style(one.level.word, fg=COLORS[one.level.word])
    click.echo(f"{one.check.name:<12} {state}")
    for found in one.findings:
        _print_finding(found)
    if one.number > len(one.findings):
        click.echo(f"  ... and {one.number - len(one.findings):,} more.")


def _print_finding(found: "Finding") -> None:
    click.echo(f"  {shown(found.text)}")
    click.echo(f"    {shown(found.remedy)}")
