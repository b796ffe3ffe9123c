"""CSV (RFC 4180), for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def as_csv_text(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Returns rows as CSV with a line of names; what is missing is empty."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
