"""Renders templates. Every value is escaped unless a template or `Markup` says that it is HTML already."""

import re
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from astakos.pages import charts, instants, numbers
from astakos.pages.preferences import PLAIN, current
from astakos.pages.site import Site
from astakos.pages.static_files import static_version

BREAKS: Final = "@./_-"
PIECES: Final = re.compile(r"[^@./_-]*[@./_-]|[^@./_-]+")


@cache
def environment() -> Environment:
    """Returns the environment of all templates: a name that nobody has given a value is an error."""
    made = Environment(
        loader=PackageLoader("astakos.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        short=_short,
        exact=_exact,
        shown=_shown,
        in_style=_in_style,
        with_instants=_with_instants,
        breakable=breakable,
        machine=instants.machine,
        relative=instants.relative,
        duration=instants.duration,
    )
    made.globals.update(
        bar=charts.bar,
        columns=charts.columns,
        sparkline=charts.sparkline,
        top_of=charts.top_of,
        static_version=static_version(),
    )
    return made


def render(template: str, **values: Any) -> bytes:
    """Renders a template of `templates/`, such as `overview.html`, as the reader of its `site` prefers."""
    site = values.get("site")
    before = current.set(site.preferences if isinstance(site, Site) else PLAIN)
    try:
        return environment().get_template(template).render(values).encode()
    finally:
        current.reset(before)


def _short(quantity: int, unit: str | None = None, scale: int = 0) -> str:
    return current.get().in_style(numbers.short(quantity, unit, scale))


def _exact(quantity: int, unit: str | None = None, scale: int = 0) -> str:
    return current.get().in_style(numbers.exact(quantity, unit, scale))


def _with_instants(text: str) -> str:
    return instants.with_instants(text, current.get().time_zone)


def breakable(text: str) -> Markup:
    """Returns an address or a name, which browsers may break after a sign rather than anywhere."""
    return Markup("").join(
        Markup("{}<wbr>").format(piece) if piece[-1] in BREAKS else escape(piece)
        for piece in PIECES.findall(text)
    )


def _in_style(text: str) -> str:
    return current.get().in_style(text)


def _shown(instant: int) -> str:
    return instants.shown(instant, current.get().time_zone)
