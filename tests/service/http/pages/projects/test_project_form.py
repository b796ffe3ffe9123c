"""The form that asks for a project, where there are many resources."""

from astakos.directory.entities import Resource
from astakos.http.forms import MOST_FIELDS
from astakos.http.pages.projects.project_form import ALL_TOGETHER, EACH, ROWS, ProjectForm, read, shown
from astakos.pages.preferences import PLAIN
from astakos.projects.project import Capacity

OTHER_FIELDS = (
    "csrf_token",
    "name",
    "description",
    "homepage",
    "end_date",
    "parent",
    "join_policy",
    "leave_policy",
    "max_members",
    "private",
    "find",
    "do",
    "comments",
)
RESOURCES = {
    f"disk.{number:02}": Resource(number, f"disk.{number:02}", "disk", "disk", None, "", 0, 5, True, True)
    for number in range(50)
}
PRESENT = dict.fromkeys(RESOURCES, Capacity(5, 5))


def names(form: ProjectForm) -> list[str]:
    return [row.resource.name for row in form.rows]


def test_it_has_no_more_fields_than_are_read() -> None:
    form = shown({}, {}, RESOURCES, PRESENT)
    assert form.is_long
    assert len(form.rows) == ROWS
    assert form.hidden == len(RESOURCES) - ROWS
    assert len(OTHER_FIELDS) + 2 * ROWS < MOST_FIELDS


def test_a_mistake_is_told_at_its_field_only() -> None:
    for together, each, wrong in (
        ("", "1.5 Q", {EACH}),
        ("x", "y", {ALL_TOGETHER, EACH}),
        ("1", "2", {EACH}),
    ):
        sent = {"name": "a.example.org", "end_date": "2041-01-01"}
        sent |= {f"{ALL_TOGETHER}disk.00": together, f"{EACH}disk.00": each}
        errors = read(sent, RESOURCES, PRESENT, None, PLAIN).errors
        assert set(errors) == {f"{prefix}disk.00" for prefix in wrong}
        (row,) = (one for one in shown(sent, errors, RESOURCES, PRESENT).rows if one.each)
        assert bool(row.together_error) == (ALL_TOGETHER in wrong)
        assert row.each_error


def test_a_search_keeps_what_has_been_written() -> None:
    written = {f"{ALL_TOGETHER}disk.00": "7", f"{EACH}disk.01": "2"}
    form = shown({**written, "find": "disk.4"}, {}, RESOURCES, PRESENT)
    assert names(form) == ["disk.00", "disk.01", *(f"disk.4{digit}" for digit in range(10))]
    assert (form.rows[0].together, form.rows[1].each) == ("7", "2")
    nothing = shown({**written, "find": "tape"}, {}, RESOURCES, PRESENT)
    assert names(nothing) == ["disk.00", "disk.01"]


def test_what_is_not_said_is_usual_or_stays() -> None:
    sent = {"name": "a.example.org", "end_date": "2041-01-01", f"{ALL_TOGETHER}disk.00": "7"}
    asked, errors = read({**sent, f"{EACH}disk.01": "2"}, RESOURCES, PRESENT, None, PLAIN)
    assert not errors
    assert asked.resources == {"disk.00": Capacity(7, 7), "disk.01": Capacity(5, 2)}
    assert asked.end_date == "2041-01-01T00:00:00+00:00"
