"""Finds variables of the environment that seem to be meant for the service, but that nothing reads."""

import difflib
from collections.abc import Iterator, Mapping

import click

PREFIX = "ASTAKOS_"
OF_OTHER_COMMANDS = frozenset({"ASTAKOS_URL", "ASTAKOS_TOKEN", "ASTAKOS_COMPONENT_TOKEN"})
OF_KUBERNETES = ("tcp://", "udp://", "sctp://")
"""How the value of `ASTAKOS_PORT` begins, which Kubernetes sets if there is a service called astakos."""
SIMILAR = 0.75
"""How similar two names are, from 0 to 1, if one seems to be a slip of the other."""


def unread_variables(environment: Mapping[str, str], command: click.Command) -> Iterator[str]:
    """Yields a sentence about each variable whose name is a slip, or that of an option without a variable.

    Others are left alone: what belongs to other programs, and what Kubernetes sets for a service of the name.

    Args:
        environment: the variables.
        command: the command whose options are meant.
    """
    options = [one for one in command.params if isinstance(one, click.Option)]
    known = {one.envvar for one in options if isinstance(one.envvar, str)}
    without = {_variable_of(one): max(one.opts, key=len) for one in options if one.envvar is None}
    for name in sorted(environment):
        is_meant = name.startswith(PREFIX) and not environment[name].startswith(OF_KUBERNETES)
        if not is_meant or name in known | OF_OTHER_COMMANDS:
            continue
        if name in without:
            yield f"{name} is set, but not read: give {without[name]}"
            continue
        meant = difflib.get_close_matches(
            name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known], n=1, cutoff=SIMILAR
        )
        if meant:
            yield f"{name} is set, but not read; did you mean {PREFIX}{meant[0]}?"


def _variable_of(option: click.Option) -> str:
    """Returns what a variable for an option would be called."""
    return PREFIX + max(option.opts, key=len).removeprefix("--").replace("-", "_").upper()
