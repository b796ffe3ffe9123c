"""Shared by the client commands: the options for service and token, and the exit statuses."""

import contextlib
import inspect
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

import click
from click.core import ParameterSource

from astakosclient import AstakosClient, Timeout, errors

F = TypeVar("F", bound=Callable[..., Any])

PATIENCE = Timeout(total=30, connect=5)

# Retries are not logged, because the command reports the final error.
_quiet = logging.getLogger("astakos.cli.client_options")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class UnknownName(click.ClickException):
    """The service does not know the user."""

    exit_code = 1


class NoService(click.ClickException):
    """No service answers at the URL, or its answers are not those of Astakos."""

    exit_code = 3


class TokenRefused(click.ClickException):
    """The service does not accept the token."""

    exit_code = 4


ENDINGS = f"""\b
Exit status: {UnknownName.exit_code} if a user is unknown, {click.UsageError.exit_code} on wrong usage,
{NoService.exit_code} if no service answers, {TokenRefused.exit_code} if the service refuses the token."""


def asks_service(function: F) -> F:
    """Add `--url`, and the exit statuses to the help text."""
    function.__doc__ = f"{inspect.getdoc(function)}\n\n{ENDINGS}"
    return click.option(
        "--url",
        metavar="URL",
        envvar="ASTAKOS_URL",
        required=True,
        show_envvar=True,
        help="The base URL of the service, for example https://accounts.example.org/astakos.",
    )(function)


def asks_as_holder(function: F) -> F:
    """Add `--token` and `--token-file`; the command receives the token."""
    with_file = click.option(
        "--token-file",
        type=click.File(encoding="utf-8", errors="replace"),
        expose_value=False,
        is_eager=True,
        callback=_read_file,
        help="The file to read the token from; - for standard input.",
    )(function)
    return click.option(
        "--token",
        metavar="TOKEN",
        envvar="ASTAKOS_TOKEN",
        show_envvar=True,
        callback=_token,
        help="The token. On the command line, every user of this machine can read it (with `ps`); better set "
        "the variable, or use --token-file.",
    )(with_file)


def _read_file(ctx: click.Context, _param: click.Parameter, file: IO[str] | None) -> None:
    if file is None:
        return
    with file:
        ctx.meta[__name__] = file.read().strip()
    if not ctx.meta[__name__]:
        raise click.BadParameter(f"there is no token in {file.name}", param_hint="--token-file")


def _token(ctx: click.Context, param: click.Parameter, token: str | None) -> str:
    in_file: str | None = ctx.meta.get(__name__)
    if in_file is not None:
        if ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE:
            raise click.UsageError("Give --token or --token-file, not both.")
        return in_file
    if not token:
        raise click.UsageError("A token is required: set ASTAKOS_TOKEN, or give --token-file FILE.")
    return token


def _client(url: str) -> AstakosClient:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", errors.InsecureConnectionWarning)
        try:
            client = AstakosClient(url, retry=2, timeout=PATIENCE, logger=_quiet)
        except errors.BadValue as error:
            reason = error.details.replace("AstakosClient: astakos_url", "it")
            raise click.BadParameter(reason, param_hint="--url") from error
    for warning in caught:
        click.echo(f"Warning: {warning.message}", err=True)
    return client


@contextlib.contextmanager
def asking(url: str) -> Iterator[AstakosClient]:
    """Open a client for the service at a URL; report its errors in one line, with an exit status."""
    with _client(url) as client:
        try:
            yield client
        except errors.BadValue as error:
            raise click.UsageError(str(error)) from error
        except (errors.Unauthorized, errors.Forbidden) as error:
            raise TokenRefused(f"the token was refused: {error}") from error
        except errors.AstakosClientException as error:
            raise NoService(f"no usable Astakos service at {url}: {error}") from error
        except (LookupError, TypeError, AttributeError) as error:
            raise NoService(f"no usable Astakos service at {url}: its answer cannot be read") from error
