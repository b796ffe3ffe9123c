from hypothesis import given
from hypothesis import strategies as st

from astakos.events.chain import START, link

VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"]))
)
ROWS = st.lists(st.lists(VALUES, min_size=10, max_size=10), min_size=2, max_size=5)


def head(rows: list[list[str | int | None]]) -> bytes:
    found = START
    for row in rows:
        found = link(found, row)
    return found


@given(ROWS, st.data())
def test_a_changed_row_changes_the_head(rows: list[list[str | int | None]], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, 9))
    changed = [list(each) for each in rows]
    changed[row][column] = data.draw(VALUES.filter(lambda value: value != rows[row][column]))
    assert head(changed) != head(rows)


@given(ROWS, st.data())
def test_a_missing_row_changes_the_head(rows: list[list[str | int | None]], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(rows) - 1))
    assert head(rows[:row] + rows[row + 1 :]) != head(rows)
