"""Limits of API keys on the command line: `--limit llm.tokens/month=10000`, and how they are shown."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import click

from astakos import clock
from astakos.cli.quantities import AMOUNT, GivenAmount
from astakos.cli.shown_values import Amount, moment
from astakos.storage.protocol import Connection
from astakos.storage.tables import key_holdings, registry
from astakos.storage.tables.api_keys import Owned

F = TypeVar("F", bound=Callable[..., Any])
LIMIT_COLUMNS = ("resource", "usage", "pending", "limit")


class GivenLimit(NamedTuple):
    """A limit of a resource, as an option gives it."""

    resource: str
    amount: GivenAmount


class ResourceAndLimit(click.ParamType[GivenLimit]):
    """A resource and a limit, like `llm.tokens/month=10000` or `vm=unlimited`."""

    name = "resource=limit"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> GivenLimit:
        """Parse an option."""
        resource, separator, limit = str(value).partition("=")
        if not separator or not resource.strip():
            self.fail(f"{value!r} is not a resource with a limit; write llm.tokens/month=10000", param, ctx)
        return GivenLimit(resource.strip(), AMOUNT.convert(limit, param, ctx))


def limit_option(text: str) -> Callable[[F], F]:
    """Add `--limit`, which can be repeated."""
    return click.option("--limit", "given", multiple=True, type=ResourceAndLimit(), help=text)


def limits_of_options(connection: Connection, given: Iterable[GivenLimit]) -> Mapping[str, int]:
    """Return the limits that options give, by resource; `UNLIMITED` for none."""
    scales = registry.scales(connection)
    return {resource: amount.quantity(resource, scales.get(resource, 0)) for resource, amount in given}


def limits_of_key(reader: Connection, owned: Owned) -> Iterator[dict[str, Any]]:
    """Yield a row for each resource for which a key has had a limit: what it may use, and uses."""
    scales = registry.scales(reader)
    for quota in key_holdings.quotas_of(reader, owned.user, owned.key.prefix, clock.now()):
        scale, holding = scales.get(quota.resource, 0), quota.holding
        yield {
            "resource": quota.resource,
            "usage": Amount(holding.usage_max, scale),
            "pending": Amount(holding.pending, scale),
            "limit": Amount(holding.limit, scale),
            "resets": moment(quota.period.resets) if quota.period else None,
        }


def columns_of(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the columns that say something."""
    return (*LIMIT_COLUMNS, "resets") if any(row["resets"] for row in rows) else LIMIT_COLUMNS
