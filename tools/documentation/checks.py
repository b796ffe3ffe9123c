"""Checks a built site: its links, its pictures, and that its resources come from nowhere else."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

RESOURCES = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "img": ("src", "srcset"),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
}
"""The attributes that make a browser request something."""
SELF_CONTAINED = ("", "data")
FOREIGN_IN_STYLES = (
    "url(http:",
    "url(https:",
    "url(//",
    "url('http",
    'url("http',
    "url('//",
    'url("//',
    "@import",
)


class Page(HTMLParser):
    """What a page has and wants.

    Attributes:
        anchors: The places on it that links can lead to.
        links: What its links lead to.
        resources: What a browser requests for it.
        mistakes: What is wrong with it by itself.
    """

    def __init__(self, text: str) -> None:
        """Reads the page."""
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.mistakes: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes what an element has and wants."""
        given = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if tag == "img" and not (given.get("alt") or "").strip():
            self.mistakes.append(f"the picture {given.get('src')} has no alternative text")
        self.resources += [value for name in RESOURCES.get(tag, ()) if (value := given.get(name))]


def mistakes_of(site: Path) -> Iterator[str]:
    """Yields what is wrong on a site, one line for each mistake."""
    pages = {file: Page(file.read_text(encoding="utf-8")) for file in sorted(site.rglob("*.html"))}
    for file, page in pages.items():
        name = file.relative_to(site)
        yield from (f"{name}: {mistake}" for mistake in page.mistakes)
        for resource in page.resources:
            if urlsplit(resource).scheme not in SELF_CONTAINED or urlsplit(resource).netloc:
                yield f"{name}: a browser would request {resource}"
        for link in page.links:
            mistake = _broken(file, link, pages)
            if mistake:
                yield f"{name}: the link {link} {mistake}"
    for file in sorted((*site.rglob("*.css"), *site.rglob("*.svg"))):
        text = file.read_text(encoding="utf-8")
        for foreign in FOREIGN_IN_STYLES:
            if foreign in text:
                yield f"{file.relative_to(site)}: has {foreign}, by which a browser would request something"


def _broken(file: Path, link: str, pages: dict[Path, Page]) -> str:
    """Returns why a link leads nowhere; empty if it does lead somewhere, or off the site."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file.resolve()
    if not target.is_file():
        return "leads to no file"
    page = pages.get(target)
    if parts.fragment and page is not None and unquote(parts.fragment) not in page.anchors:
        return "leads to no place on its page"
    return ""
