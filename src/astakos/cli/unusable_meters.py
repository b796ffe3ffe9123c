"""Warns of the meters that a project limits in vain."""

from collections.abc import Iterable

import click

from astakos.projects.unusable_meters import UnusableMeters


def warn_of_unusable(project: str, found: Iterable[UnusableMeters]) -> None:
    """Writes a warning for each resource to standard error, with the commands that mend it.

    Args:
        project: the name of the project.
        found: the meters that it limits in vain.
    """
    for one in found:
        click.echo(
            f"Warning: in {project}, {one.fault}: add --resource {one.base} unlimited unlimited "
            f"(astakos project modify {project} --resource {one.base} unlimited unlimited). "
            f"For all new projects: astakos resource set {one.base} --project-default unlimited",
            err=True,
        )
