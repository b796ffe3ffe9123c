"""The tables of the page on projects are those that the service acts by."""

from tools.write_project_tables import PAGE, PLACE, tables, written


def test_the_tables_are_current() -> None:
    page = PAGE.read_text("utf-8")
    assert page == written(page), "run: python tools/write_project_tables.py"


def test_every_table_has_its_place() -> None:
    assert [place[1] for place in PLACE.findall(PAGE.read_text("utf-8"))] == list(tables())
