"""Tables of pages as files."""

from collections.abc import Iterable, Sequence
from typing import Final

from astakos.http.request import Answer
from astakos.pages.comma_separated import comma_separated

CSV: Final = "text/csv; charset=utf-8"


def csv_file(name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Answer:
    """Returns a table as a file to save, whose name has the letters and digits of another name."""
    plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in name)
    headers = {"Content-Disposition": f'attachment; filename="{plain}.csv"', "Vary": "Cookie"}
    return Answer(200, comma_separated(headings, rows), CSV, headers)
