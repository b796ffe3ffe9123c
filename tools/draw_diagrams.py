"""Draws docs/diagrams with Graphviz (`dot`), so that pictures can be changed as text::

python tools/draw_diagrams.py            # writes docs/images/*.svg
python tools/draw_diagrams.py --check    # says which are out of date, and fails if one is; needs no Graphviz

A picture notes the digest of what it was drawn from, because Graphviz draws a little differently from version
to version.
"""

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
DIAGRAMS = DOCS / "diagrams"
IMAGES = DOCS / "images"
STYLE = """
.paper { fill: #ffffff; }
text { fill: #1b1f24; font-family: system-ui, "Helvetica Neue", Arial, sans-serif; }
.node path, .node polygon, .node ellipse { fill: #f6f8fa; stroke: #57606a; }
.node.own path, .node.own polygon { fill: #ddf4ff; stroke: #0969da; }
.node.store path { fill: #fff8c5; stroke: #9a6700; }
.cluster polygon, .cluster path { fill: none; stroke: #d0d7de; }
.cluster.house path { fill: #f6fbff; stroke: #54aeff; }
.cluster text { font-weight: 600; }
.edge path { fill: none; stroke: #57606a; }
.edge polygon { fill: #57606a; stroke: #57606a; }
.edge text { fill: #424a53; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #15181c; }
  text { fill: #e6edf3; }
  .node path, .node polygon, .node ellipse { fill: #21262d; stroke: #8b949e; }
  .node.own path, .node.own polygon { fill: #0c2d4d; stroke: #58a6ff; }
  .node.store path { fill: #3b2f0b; stroke: #d4a72c; }
  .cluster polygon, .cluster path { fill: none; stroke: #444c56; }
  .cluster.house path { fill: #101d2b; stroke: #316dca; }
  .edge path { fill: none; stroke: #9aa4af; }
  .edge polygon { fill: #9aa4af; stroke: #9aa4af; }
  .edge text { fill: #adb7c2; }
}
"""
"""A picture has its own background, so it can be read on any page; its colors follow those of the page."""
LOOK = (
    "-Gbgcolor=transparent", "-Gfontname=Helvetica", "-Gfontsize=13", "-Gstyle=rounded", "-Gpad=0.2",
    "-Nfontname=Helvetica", "-Nfontsize=12", "-Nshape=box", "-Nstyle=rounded", "-Nmargin=0.16,0.09",
    "-Efontname=Helvetica", "-Efontsize=11", "-Earrowsize=0.7",
)  # fmt: skip
COLORS = re.compile(r' (?:fill|stroke|font-family)="[^"]*"')
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
PROLOGUE = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
SIZE = re.compile(r'<svg width="[^"]*" height="[^"]*"\s+viewBox="([\d.]+ [\d.]+ ([\d.]+) ([\d.]+))"')


def digest_of(source: str) -> str:
    """The digest of what a picture is drawn from, including its look."""
    return hashlib.sha256("\0".join((source, STYLE, *LOOK)).encode()).hexdigest()[:16]


def drawn(source: str) -> str:
    """The picture of a diagram."""
    done = subprocess.run(["dot", "-Tsvg", *LOOK], input=source, capture_output=True, text=True, check=True)
    picture = COLORS.sub("", COMMENT.sub("", PROLOGUE.sub("", done.stdout)))
    size = SIZE.search(picture)
    assert size is not None
    head = f'<svg viewBox="{size[1]}" width="{float(size[2]):.0f}" height="{float(size[3]):.0f}" role="img"'
    paper = f'<rect class="paper" width="{size[2]}" height="{size[3]}" rx="8"/>'
    paper = f'<style>{STYLE}</style>\n{paper}\n<g id="graph0"'
    picture = SIZE.sub(head, picture).replace('<g id="graph0"', paper, 1)
    return f"<!-- Drawn by tools/draw_diagrams.py from {digest_of(source)}. -->\n{picture}"


def out_of_date() -> Iterator[Path]:
    """The pictures that are not drawn from what their diagrams are now."""
    for diagram in sorted(DIAGRAMS.glob("*.dot")):
        picture = IMAGES / f"{diagram.stem}.svg"
        digest = digest_of(diagram.read_text("utf-8"))
        if not picture.exists() or digest not in picture.read_text("utf-8").partition("\n")[0]:
            yield picture


def main() -> None:
    """Draw, or check."""
    if sys.argv[1:] == ["--check"]:
        old = [str(picture.relative_to(DOCS.parent)) for picture in out_of_date()]
        if old:
            sys.exit(f"{', '.join(old)}: out of date; run: python tools/draw_diagrams.py")
        return
    for diagram in sorted(DIAGRAMS.glob("*.dot")):
        (IMAGES / f"{diagram.stem}.svg").write_text(drawn(diagram.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
