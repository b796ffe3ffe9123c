"""What is shown of the limits of API keys: what each may use, and uses."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from astakos import clock
from astakos.cli.shown_values import Amount, moment
from astakos.storage.protocol import Connection
from astakos.storage.tables import key_holdings, registry
from astakos.storage.tables.api_keys import Owned

LIMIT_COLUMNS = ("resource", "usage", "pending", "limit")


def limits_of_key(reader: Connection, owned: Owned) -> Iterator[dict[str, Any]]:
    """Yields a row for each resource for which a key has had a limit: what it may use, and uses."""
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
    """Returns the columns that say something."""
    return (*LIMIT_COLUMNS, "resets") if any(row["resets"] for row in rows) else LIMIT_COLUMNS
