"""`astakos mcp`: lets assistants read quotas, over the Model Context Protocol."""

import asyncio
import re
import socket
from functools import partial
from types import ModuleType

import click

from astakos.cli.client_options import (
    asks_service,
    async_client,
    may_ask_as_holder,
    reported,
    was_given_token,
)

NOT_INSTALLED = 'the command mcp is not installed here; install it with: pip install "astakos[mcp]"'
ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):(?P<port>\d{1,5})")


@click.command()
@asks_service
@may_ask_as_holder
@click.option("--write", is_flag=True, help="Also let services accept and reject pending commissions.")
@click.option(
    "--http",
    "address",
    metavar="HOST:PORT",
    help="Serve over HTTP at this address, for example 127.0.0.1:8766, instead of standard input and output. "
    "Each request acts with the key that it brings in Authorization: Bearer. Port 0 for any free port.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="With --http, a name by which clients reach this server, besides those of this machine. Repeatable.",
)
@click.pass_context
def mcp(
    ctx: click.Context,
    url: str,
    token: str | None,
    write: bool,
    address: str | None,
    allowed_hosts: tuple[str, ...],
) -> None:
    """Let an assistant read quotas, history and pending commissions.

    Runs a server of the Model Context Protocol. It reads only, unless started with --write. Whose token it
    is, a user's or a service's, decides which tools there are (docs/guide/assistants.md).
    """
    if address is None:
        if allowed_hosts:
            raise click.UsageError("--allow-host is for --http.")
        if token is None:
            raise click.UsageError("A token is required: set ASTAKOS_TOKEN, or give --token-file FILE.")
        _serve_standard_streams(url, token, write=write)
        return
    if was_given_token(ctx):
        raise click.UsageError("With --http, each request brings its own key; do not give a token.")
    _serve_http(url, address, allowed_hosts, write=write)


def _serve_standard_streams(url: str, token: str, *, write: bool) -> None:
    serving = _installed()
    with reported(url):
        asyncio.run(serving.serve_standard_streams(async_client(url), token, write=write))


def _serve_http(url: str, address: str, allowed_hosts: tuple[str, ...], *, write: bool) -> None:
    serving = _installed()
    listener = _listen(address)
    host = address.rpartition(":")[0]
    where = f"http://{host}:{listener.getsockname()[1]}/mcp"
    ready = partial(click.echo, f"astakos mcp is ready at {where} (for {url})")
    with listener, reported(url):
        asyncio.run(serving.serve_http(async_client(url), listener, allowed_hosts, ready, write=write))


def _installed() -> ModuleType:
    try:
        from astakos.assistant import serving  # noqa: PLC0415 - may be missing, and is slow to import
    except ModuleNotFoundError as missing:
        raise click.ClickException(f"{NOT_INSTALLED} ({missing.name} is missing)") from missing
    return serving


def _listen(address: str) -> socket.socket:
    found = ADDRESS.fullmatch(address)
    if found is None or int(found["port"]) > 65535:
        raise click.BadParameter("it must be HOST:PORT, for example 127.0.0.1:8766", param_hint="--http")
    host = found["host"].strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(found["port"])), family=family)
    except (OSError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or "it is not the name of a host").partition(" (")[0]
        raise click.ClickException(f"cannot listen on {address}: {reason}") from error
