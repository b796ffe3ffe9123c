"""Takes the pictures of pages that the docs show: `PYTHONPATH=tests:. python tools/take_screenshots.py`.

They are of the scene that the tests of pages happen in, so they show the pages as they are. `--all FOLDER`
also takes each page on a phone and in the dark, into a folder to look through.
"""

import argparse
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from astakos.administration.usage_leaders import refresh_leaders
from astakos.clock import DAY, now
from pages.chromium import ChromiumVisitor, Kind, chromium, chromium_path, page_of
from pages.project_scene import crowded
from pages.scene import ADA, GRACE, LAB, ROOT, Person, Scene, staged
from pages.visitors import log_in
from service.installation import rows

IMAGES = Path(__file__).parent.parent / "docs" / "images"


class Picture(NamedTuple):
    """A page to take a picture of, and who looks at it; nobody has logged in without a person."""

    name: str
    path: str
    person: Person | None = ADA


PICTURES: Sequence[Picture] = (
    Picture("login", "/ui/login", None),
    Picture("overview", "/ui/overview"),
    Picture("resource", "/ui/resources/compute.vm?by=day"),
    Picture("project", f"/ui/projects/{LAB}", GRACE),
    Picture("applications", "/ui/admin/projects/applications", ROOT),
    Picture("access", "/ui/access"),
    Picture("budget", "/ui/resources/llm.tokens/month?by=month"),
    Picture("user", f"/ui/admin/users/{ADA.uuid}", ROOT),
    Picture("now", "/ui/admin/now", ROOT),
    Picture("usage", "/ui/admin/usage?resource=compute.vm&by=share", ROOT),
    Picture("commissions", "/ui/admin/commissions", ROOT),
)

DESKTOP = Kind("desktop", 1280, 800)
OTHERS = (
    Kind("phone", 360, 740),
    Kind("desktop-dark", 1280, 800, dark=True),
    Kind("phone-dark", 360, 740, dark=True),
)


def _has_run_for_long(scene: Scene) -> None:
    """What was pending is so for two hours, and the service has looked who uses most."""
    refresh_leaders(scene.database, now())
    rows(scene.database, "UPDATE pending_commissions SET issue_time = ?", now() - DAY // 12)


def main() -> None:
    """Take them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", metavar="FOLDER", help="also on a phone and in the dark, into a folder")
    parser.add_argument("--only", metavar="NAME", help="only the picture of this name")
    arguments = parser.parse_args()
    path = chromium_path()
    if path is None:
        raise SystemExit("There is no Chromium; make test-browser installs it.")
    IMAGES.mkdir(exist_ok=True)
    wanted = [one for one in PICTURES if arguments.only in (None, one.name)]
    kinds = [(DESKTOP, IMAGES, "")]
    if arguments.all:
        kinds += [(kind, Path(arguments.all), f"-{kind.name}") for kind in (DESKTOP, *OTHERS)]
    with (
        tempfile.TemporaryDirectory() as folder,
        staged(Path(folder) / "scene.db") as scene,
        chromium(path) as browser,
    ):
        crowded(scene)
        _has_run_for_long(scene)
        for (kind, target, ending), picture in itertools.product(kinds, wanted):
            with page_of(browser, kind) as page:
                visitor = ChromiumVisitor(scene, page, kind)
                if picture.person is None:
                    visitor.open(picture.path)
                else:
                    log_in(visitor, picture.person, picture.path)
                page.screenshot(path=target / f"{picture.name}{ending}.png", full_page=True)


if __name__ == "__main__":
    main()
