"""The state of a table on a page, which its URL holds: search, order, and page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")

LONGEST_SEARCH = 200
LAST_PAGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: What the URL calls it when the table is sorted by it.
        title: Its heading.
        sorts: Whether the table can be sorted by it.
        is_number: Whether it holds numbers, which are aligned to the right.
    """

    name: str
    title: str
    sorts: bool = True
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class TableState:
    """What a query asks of a table.

    Attributes:
        columns: The columns.
        query: The query of the page, with parameters that are not the table's.
        path: The path of the page.
        sort: The name of the column to sort by.
        descending: Whether the largest come first.
        search: The text to search for.
        number: The page, from 1.
        size: How many rows a page has.
    """

    columns: Sequence[Column]
    query: Mapping[str, str]
    path: str
    sort: str
    descending: bool
    search: str
    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many rows are on the pages before."""
        return (self.number - 1) * self.size

    def address(self, **changes: object) -> str:
        """Returns the URL of the page with other parameters; None or "" removes one."""
        changed = {**self.query, **{name: str(value or "") for name, value in changes.items()}}
        query = urlencode({name: value for name, value in changed.items() if value})
        return f"{self.path}?{query}" if query else self.path

    def sorted_by(self, column: Column) -> str:
        """Returns the URL of the table sorted by a column; by the present one, the other way round."""
        is_present = column.name == self.sort
        descending = not self.descending if is_present else column.is_number
        return self.address(sort=f"-{column.name}" if descending else column.name, page=None)

    def order_of(self, column: Column) -> str:
        """Returns the value of `aria-sort` for a column."""
        if column.name != self.sort:
            return "none"
        return "descending" if self.descending else "ascending"


@dataclass(frozen=True, slots=True)
class TablePage(Generic[T]):
    """The rows of a page of a table.

    Attributes:
        state: What was asked for.
        rows: The rows.
        has_more: Whether there is a next page.
        total: How many rows there are on all pages; None if nobody has counted them.
    """

    state: TableState
    rows: Sequence[T]
    has_more: bool
    total: int | None = None


def state_of(
    query: Mapping[str, str], path: str, columns: Sequence[Column], *, sort: str, size: int = 50
) -> TableState:
    """Reads the state from a query. What is not valid counts as not given.

    Args:
        query: The parameters `sort`, `page` and `q`; others are kept in links.
        path: The path of the page.
        columns: The columns.
        sort: The column to sort by if the query names none; with `-` in front, the largest first.
        size: How many rows a page has.
    """
    wanted = query.get("sort", sort)
    if wanted.removeprefix("-") not in {column.name for column in columns if column.sorts}:
        wanted = sort
    page = query.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 8 else 1
    return TableState(
        columns,
        dict(query),
        path,
        wanted.removeprefix("-"),
        wanted.startswith("-"),
        query.get("q", "").strip()[:LONGEST_SEARCH],
        min(max(number, 1), LAST_PAGE),
        size,
    )


def page_of_list(
    state: TableState, rows: Sequence[T], keys: Mapping[str, Callable[[T], Any]]
) -> TablePage[T]:
    """Sorts rows that are all at hand, and returns those of the page.

    Args:
        state: What was asked for.
        rows: All rows, already searched.
        keys: What to sort by, for each column that sorts.
    """
    ordered = sorted(rows, key=keys[state.sort], reverse=state.descending)
    shown = ordered[state.offset : state.offset + state.size]
    return TablePage(state, shown, len(ordered) > state.offset + state.size, len(ordered))
