from collections.abc import Mapping

import pytest

from astakos.pages.tables import Column, page_of_list, state_of

COLUMNS = (
    Column("name", "Name"),
    Column("used", "Used", is_number=True),
    Column("note", "Note", sorts=False),
)


@pytest.mark.parametrize(
    ("query", "sort", "descending", "number"),
    [
        ({}, "used", True, 1),
        ({"sort": "name", "page": "3"}, "name", False, 3),
        ({"sort": "-name"}, "name", True, 1),
        ({"sort": "note"}, "used", True, 1),
        ({"sort": "--name", "page": "-1"}, "used", True, 1),
        ({"sort": "'; DROP", "page": "x"}, "used", True, 1),
        ({"page": "0"}, "used", True, 1),
        ({"page": "99999999999"}, "used", True, 1),
        ({"page": "\u0663"}, "used", True, 1),
    ],
)
def test_what_is_not_valid_counts_as_not_given(
    query: Mapping[str, str], sort: str, descending: bool, number: int
) -> None:
    state = state_of(query, "/x", COLUMNS, sort="-used")
    assert (state.sort, state.descending, state.number) == (sort, descending, number)


def test_links_keep_the_rest_of_the_query() -> None:
    state = state_of({"q": "a b", "state": "x", "page": "4"}, "/x", COLUMNS, sort="-used")
    assert state.address(page=5) == "/x?q=a+b&state=x&page=5"
    assert state.sorted_by(COLUMNS[0]) == "/x?q=a+b&state=x&sort=name"
    assert state.sorted_by(COLUMNS[1]) == "/x?q=a+b&state=x&sort=used", "the other way round"
    assert [state.order_of(column) for column in COLUMNS] == ["none", "descending", "none"]


def test_pages_of_a_list_have_every_row_once() -> None:
    rows = list(range(25))
    seen: list[int] = []
    for number in range(1, 5):
        state = state_of({"page": str(number)}, "/x", COLUMNS, sort="-used", size=10)
        page = page_of_list(state, rows, {"used": lambda row: row})
        seen += page.rows
        assert page.has_more == (number < 3)
        assert page.total == 25
    assert seen == rows[::-1]
