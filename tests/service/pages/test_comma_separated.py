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


def test_so_is_what_only_some_spreadsheets_would_run() -> None:
    written = comma_separated(("a", "b"), [("\N{FULLWIDTH EQUALS SIGN}1+1", "\n=1+1")])
    assert list(csv.reader(io.StringIO(written.decode(), newline="")))[1] == [
        "'\N{FULLWIDTH EQUALS SIGN}1+1",
        "'\n=1+1",
    ]
