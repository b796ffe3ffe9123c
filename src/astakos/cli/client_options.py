"""Shared by the client commands: the options for service and token, and the exit statuses."""

import contextlib
import inspect
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

import click
from click.core import ParameterSource

from astakos.cli.shown_values import shown
from astakos.cli.tls_hints import tls_hint
from astakosclient import AstakosClient, AsyncAstakosClient, Timeout, errors

C = TypeVar("C", AstakosClient, AsyncAstakosClient)
F = TypeVar("F", bound=Callable[..., Any])

INVALID_BODY = re.compile(r"The body is not valid: (?P<reason>.*) - at `\$\.(?P<key>[^`]+)`")
PATIENCE = Timeout(total=30, connect=5)
STANDARD_INPUT = "-"

# Retries are not logged, because the command reports the final error.
_quiet = logging.getLogger("astakos.cli.client_options")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class Refused(click.ClickException):
    """The service refuses the request, or does not know a user."""

    exit_code = 1


class NoService(click.ClickException):
    """No service answers at the URL, or its answers are not those of Astakos."""

    exit_code = 3


class TokenRefused(click.ClickException):
    """The service does not accept the token."""

    exit_code = 4


ENDINGS = f"""\b
Exit status: {Refused.exit_code} if the service refuses the request or a user is unknown,
{click.UsageError.exit_code} on wrong usage, {NoService.exit_code} if no service answers,
{TokenRefused.exit_code} if the service refuses the token."""


def asks_service(function: F) -> F:
    """Adds `--url`, and the exit statuses to the help text."""
    function.__doc__ = f"{inspect.getdoc(function)}\n\n{ENDINGS}"
    return click.option(
        "--url",
        metavar="URL",
        envvar="ASTAKOS_URL",
        required=True,
        show_envvar=True,
        help="The base URL of the service, for example https://accounts.example.org/astakos.",
    )(function)


class OnlyFile(click.File):
    """A file by its name, for commands whose standard input is for something else."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> IO[Any]:
        """Opens the file."""
        if value == STANDARD_INPUT:
            self.fail("it cannot be standard input here", param, ctx)
        file: IO[Any] = super().convert(value, param, ctx)
        return file


def asks_as_holder(function: F) -> F:
    """Adds `--token` and `--token-file`; the command receives the token."""
    file = click.File(encoding="utf-8", errors="replace")
    return _token_options(function, file, "; - for standard input", _token)


def may_ask_as_holder(function: F) -> F:
    """Adds `--token` and `--token-file`, which is not standard input; the command may do without."""
    return _token_options(function, OnlyFile(encoding="utf-8", errors="replace"), "", _token_if_any)


def _token_options(function: F, file: click.File, where: str, callback: Callable[..., str | None]) -> F:
    with_file = click.option(
        "--token-file",
        type=file,
        expose_value=False,
        is_eager=True,
        callback=_read_file,
        help=f"The file to read the token from{where}.",
    )(function)
    return click.option(
        "--token",
        metavar="TOKEN",
        envvar="ASTAKOS_TOKEN",
        show_envvar=True,
        callback=callback,
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
    found = _token_if_any(ctx, param, token)
    if not found:
        raise click.UsageError("A token is required: set ASTAKOS_TOKEN, or give --token-file FILE.")
    return found


def _token_if_any(ctx: click.Context, param: click.Parameter, token: str | None) -> str | None:
    in_file: str | None = ctx.meta.get(__name__)
    if in_file is not None:
        if ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE:
            raise click.UsageError("Give --token or --token-file, not both.")
        return in_file
    return token or None


def was_given_token(ctx: click.Context) -> bool:
    """Returns whether the command line, and not only the environment, has a token."""
    return __name__ in ctx.meta or ctx.get_parameter_source("token") is ParameterSource.COMMANDLINE


def async_client(url: str) -> AsyncAstakosClient:
    """Returns an asynchronous client for the service at a URL; the caller closes it."""
    return _client(url, AsyncAstakosClient)


def _client(url: str, kind: type[C]) -> C:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", errors.InsecureConnectionWarning)
        try:
            client = kind(url, retry=2, timeout=PATIENCE, logger=_quiet)
        except errors.BadValue as error:
            reason = error.details.replace("AstakosClient: astakos_url", "it")
            raise click.BadParameter(reason, param_hint="--url") from error
    for warning in caught:
        click.echo(f"Warning: {warning.message}", err=True)
    return client


@contextlib.contextmanager
def asking(url: str) -> Iterator[AstakosClient]:
    """Opens a client for the service at a URL; reports its errors in one line, with an exit status."""
    with _client(url, AstakosClient) as client, reported(url):
        yield client


@contextlib.contextmanager
def reported(url: str) -> Iterator[None]:
    """Reports the errors of calls to the service at a URL in one line, with an exit status."""
    try:
        yield
    except errors.BadValue as error:
        raise click.UsageError(str(error)) from error
    except (errors.Unauthorized, errors.Forbidden) as error:
        raise TokenRefused(f"the token was refused: {error}") from error
    except errors.AstakosClientException as error:
        if error.fault and 400 <= error.status < 500:
            raise Refused(_words(error)) from error
        raise NoService(f"no usable Astakos service at {url}: {error}{tls_hint(url, error)}") from error
    except (LookupError, TypeError, AttributeError) as error:
        raise NoService(f"no usable Astakos service at {url}: its answer cannot be read") from error


def _words(error: errors.AstakosClientException) -> str:
    """Returns the reason that the service gave, in the form of this command's own errors."""
    words = shown(error.said or error.message).removesuffix(".")
    if in_body := INVALID_BODY.fullmatch(words):
        # The command wrote the body, so its reader knows the keys as options.
        return f"{in_body['key']}: {in_body['reason']}"
    is_capitalized = words[1:2].islower() or words[1:2] == " "
    return words[:1].lower() + words[1:] if is_capitalized else words
