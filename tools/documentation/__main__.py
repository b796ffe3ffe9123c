"""Builds the site of the documentation::

python -m tools.documentation            # writes build/docs/html

Pages of the repository and pages that are made from the code become one site, which requests nothing from
elsewhere. Whatever Sphinx warns of, a link that leads nowhere, and a page without a place in the navigation
are errors.
"""

import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import build_main
from tools.documentation.checks import mistakes_of
from tools.documentation.navigation import FILE, NavigationError, read_navigation
from tools.documentation.pages import START, files_of, made_pages, write_pages

REPOSITORY = Path(__file__).parents[2]
BUILD = REPOSITORY / "build" / "docs"
HTML = BUILD / "html"


def main() -> None:
    """Build, check, and say where the site is."""
    source = BUILD / "source"
    shutil.rmtree(BUILD, ignore_errors=True)
    made = made_pages(REPOSITORY)
    pages = {str(file.with_suffix("")) for file in files_of(REPOSITORY) if file.suffix == ".md"} - {START}
    try:
        navigation = read_navigation(REPOSITORY / FILE, pages | made.keys())
    except NavigationError as error:
        sys.exit(str(error))
    write_pages(REPOSITORY, source, made, navigation)
    configuration = Path(__file__).parent / "sphinx"
    arguments = ("--builder", "html", "--quiet", "--jobs", "auto", "--fail-on-warning", "--conf-dir")
    doctrees = ("--doctree-dir", str(BUILD / "doctrees"))
    status = build_main([*arguments, str(configuration), *doctrees, str(source), str(HTML)])
    if status:
        sys.exit(status)
    mistakes = list(mistakes_of(HTML.resolve()))
    if mistakes:
        sys.exit("\n".join(mistakes))
    sys.stdout.write(f"The site is at {HTML / 'index.html'}\n")


if __name__ == "__main__":
    main()
