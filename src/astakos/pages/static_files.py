"""The files that pages load: styles and scripts, with a version that changes when any of them does."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class StaticFile(NamedTuple):
    """A file.

    Attributes:
        media_type: Its type.
        content: Its bytes.
        compressed: The same, compressed with gzip.
        tag: Identifies the content.
    """

    media_type: str
    content: bytes
    compressed: bytes
    tag: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Returns all files by name. They are read once."""
    found = {}
    for one in sorted(files("astakos.pages").joinpath("static").iterdir(), key=lambda each: each.name):
        media_type = MEDIA_TYPES.get(one.name.rpartition(".")[2])
        if media_type is not None:
            content = one.read_bytes()
            tag = hashlib.sha256(content).hexdigest()[:16]
            found[one.name] = StaticFile(media_type, content, gzip.compress(content, 9, mtime=0), tag)
    return found


@cache
def static_version() -> str:
    """Returns the part of their URLs that changes with them, so that browsers may keep them for ever."""
    return hashlib.sha256("".join(one.tag for one in static_files().values()).encode()).hexdigest()[:12]
