"""Limits of API keys as options give them: `--limit llm.tokens/month=10000`, in the unit of the resource."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import click

from astakos.cli.quantities import AMOUNT, GivenAmount
from astakos.cli.shown_values import UNLIMITED

F = TypeVar("F", bound=Callable[..., Any])


class GivenLimit(NamedTuple):
    """A limit of a resource, as an option gives it."""

    resource: str
    amount: GivenAmount


class ResourceAndLimit(click.ParamType[GivenLimit]):
    """A resource and a limit, like `llm.tokens/month=10000` or `vm=unlimited`."""

    name = "resource=limit"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> GivenLimit:
        """Parses an option."""
        if isinstance(value, GivenLimit):
            return value
        resource, separator, limit = str(value).partition("=")
        if not separator or not resource.strip():
            self.fail(f"{value!r} is not a resource with a limit; write llm.tokens/month=10000", param, ctx)
        return GivenLimit(resource.strip(), AMOUNT.convert(limit, param, ctx))


def limit_option(text: str) -> Callable[[F], F]:
    """Adds `--limit`, which can be repeated, once for each resource."""
    return click.option(
        "--limit", "given", multiple=True, type=ResourceAndLimit(), help=text, callback=_once_each
    )


def limits_in_units(given: Iterable[GivenLimit], scales: Mapping[str, int]) -> dict[str, int | None]:
    """Returns the limits that options give, by resource, in quantities; None for no limit.

    Args:
        given: The options.
        scales: The scale of each resource that exists.

    Raises:
        click.ClickException: There is no such resource, or it cannot have such a limit.
    """
    limits: dict[str, int | None] = {}
    for resource, amount in given:
        if resource not in scales:
            raise click.ClickException(f"limits: there is no resource {resource!r}")
        quantity = amount.quantity(resource, scales[resource])
        limits[resource] = None if quantity == UNLIMITED else quantity
    return limits


def _once_each(
    _: click.Context, param: click.Parameter, given: tuple[GivenLimit, ...]
) -> tuple[GivenLimit, ...]:
    resources = [limit.resource for limit in given]
    for resource in resources:
        if resources.count(resource) > 1:
            raise click.BadParameter(f"{resource} is there twice; give each resource once", param=param)
    return given
