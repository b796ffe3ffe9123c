"""URLs on the command line: absolute, http or https."""

import click

from astakos.directory.redirects import refuse_web_url


class WebUrl(click.ParamType[str]):
    """A URL that programs and browsers can call, like https://compute.example.org/v2.0."""

    name = "url"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Checks a URL."""
        url = str(value)
        refusal = refuse_web_url(url)
        if refusal:
            self.fail(refusal, param, ctx)
        return url


WEB_URL = WebUrl()


class Homepage(WebUrl):
    """The same, or an empty text for none."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Checks a URL, unless it is empty."""
        return super().convert(value, param, ctx) if value else ""


HOMEPAGE = Homepage()
