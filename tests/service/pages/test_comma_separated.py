import csv
import io

from astakos.pages.comma_separated import comma_separated


def test_what_a_spreadsheet_would_run_is_text() -> None:
    written = comma_separated(("a", "b"), [("=1+1", -5), ("@x", None), ('say "hi", you', "plain")])
    assert list(csv.reader(io.StringIO(written.decode()))) == [
        ["a", "b"],
        ["'=1+1", "-5"],
        ["'@x", ""],
        ['say "hi", you', "plain"],
    ]
