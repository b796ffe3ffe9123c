"""`ui/static/<version>/<name>`: styles and scripts; `ui/logo`: the logo of the service."""

import asyncio
from pathlib import Path
from typing import Final

from astakos.directory.login_settings import logo_type
from astakos.http.faults import ItemNotFound
from astakos.http.pages.refusals import NO_PAGE
from astakos.http.request import Answer, Request
from astakos.pages.static_files import static_files
from astakos.service.service import Service

KEPT_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"
KEPT_FOR_AN_HOUR: Final = "public, max-age=3600"
LARGEST_LOGO: Final = 256 * 1024
RUNS_NOTHING: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""The policy of a logo: SVG can contain scripts, which run when it is opened by itself."""
NO_LOGO: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" '
    b'fill="#175ea8"/><path d="M8 23 16 8l8 15h-4.4L16 15.6 12.4 23z" fill="#fff"/></svg>'
)


class StaticAsset:
    """Serves the files. Their content decides their version, so that browsers may keep them."""

    is_page = True

    async def __call__(self, _service: Service, request: Request) -> Answer:
        """Returns a file, of whatever version: only the present one is there."""
        found = static_files().get(request.parameter.rpartition("/")[2])
        if found is None:
            raise ItemNotFound(NO_PAGE)
        tag = f'"{found.tag}"'
        headers = {"Cache-Control": KEPT_FOR_A_YEAR, "ETag": tag, "Vary": "Accept-Encoding"}
        if tag in request.header(b"if-none-match"):
            return Answer(304, b"", found.media_type, headers)
        if "gzip" in request.header(b"accept-encoding"):
            headers["Content-Encoding"] = "gzip"
            return Answer(200, found.compressed, found.media_type, headers)
        return Answer(200, found.content, found.media_type, headers)


class Logo:
    """Serves the logo that the settings name, and a plain one if they name none."""

    is_page = True

    async def __call__(self, service: Service, _request: Request) -> Answer:
        """Returns the logo."""
        path = (await service.login_settings()).logo
        headers = {"Cache-Control": KEPT_FOR_AN_HOUR, "Content-Security-Policy": RUNS_NOTHING}
        if not path:
            return Answer(200, NO_LOGO, "image/svg+xml", headers)
        try:
            content = await asyncio.to_thread(_read, path)
        except OSError as error:
            raise ItemNotFound("The logo cannot be read.") from error
        if len(content) > LARGEST_LOGO:
            raise ItemNotFound("The logo is too large.")
        return Answer(200, content, logo_type(path), headers)


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(LARGEST_LOGO + 1)
