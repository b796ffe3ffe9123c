import gzip
import re

from astakos.pages.static_files import static_files

MOST_COMPRESSED = 60_000


def test_all_that_a_page_can_load_is_small() -> None:
    found = static_files()
    assert {"astakos.css", "astakos.js", "charts.js", "htmx.min.js", "uplot.min.js", "uplot.min.css"} <= set(
        found
    )
    assert sum(len(one.compressed) for one in found.values()) < MOST_COMPRESSED
    assert all(gzip.decompress(one.compressed) == one.content for one in found.values())


def test_nothing_is_loaded_from_elsewhere() -> None:
    for name in ("astakos.css", "uplot.min.css"):
        assert not re.findall(rb"@import|url\(", static_files()[name].content), name
