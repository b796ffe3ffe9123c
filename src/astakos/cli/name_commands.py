"""`astakos names` and `astakos uuids`: translate between users' uuids and usernames."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from astakos.cli.client_options import Refused, asking, asks_as_holder, asks_service
from astakos.cli.output import print_rows, table_options

F = TypeVar("F", bound=Callable[..., Any])


def _as_service_option(function: F) -> F:
    return click.option("--as-service", is_flag=True, help="The token is a service's, not a user's.")(
        function
    )


@click.command()
@asks_service
@click.argument("uuids", metavar="UUID...", nargs=-1, required=True)
@_as_service_option
@asks_as_holder
@table_options
def names(uuids: Sequence[str], as_service: bool, url: str, token: str, as_json: bool, wide: bool) -> None:
    """Print the usernames for the given uuids."""
    with asking(url) as client:
        look_up = client.service_get_usernames if as_service else client.get_usernames
        found = look_up(token, list(uuids))
    rows = [{"uuid": uuid, "username": found[uuid]} for uuid in uuids if uuid in found]
    print_rows(rows, ("uuid", "username"), as_json=as_json, wide=wide)
    _refuse_unknown("uuid", uuids, found)


@click.command()
@asks_service
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@_as_service_option
@asks_as_holder
@table_options
def uuids(names: Sequence[str], as_service: bool, url: str, token: str, as_json: bool, wide: bool) -> None:
    """Print the uuids for the given usernames."""
    with asking(url) as client:
        look_up = client.service_get_uuids if as_service else client.get_uuids
        found = look_up(token, list(names))
    rows = [{"username": name, "uuid": found[name]} for name in names if name in found]
    print_rows(rows, ("username", "uuid"), as_json=as_json, wide=wide)
    _refuse_unknown("name", names, found)


def _refuse_unknown(kind: str, wanted: Sequence[str], found: Mapping[str, str]) -> None:
    unknown = [name for name in wanted if name not in found]
    if unknown:
        raise Refused(f"there is no user with the {kind} {', '.join(map(repr, unknown))}")
