import ast
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

import astakos
from astakos.administration.event_kinds import KINDS, OF_ADMINISTRATION, refuse_kind

SOURCE = Path(str(files(astakos)))
THINGS_REGISTERED_TOGETHER = ("component", "service", "resource")


def calls() -> Iterator[tuple[str, ast.expr]]:
    """The names of what the code calls, with the first argument."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                yield name, node.args[0]


def test_every_kind_that_the_code_records_is_known_and_no_other() -> None:
    recorded = set[str]()
    for name, argument in calls():
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            continue
        if name in ("Event", "note") and "." in argument.value:
            recorded.add(argument.value)
        elif name == "compare":
            recorded |= {f"{argument.value}.created", f"{argument.value}.changed"}
    recorded |= {f"{thing}.{what}" for thing in THINGS_REGISTERED_TOGETHER for what in ("created", "changed")}
    # What always exists before it changes is never created.
    recorded -= {"settings.created", "member_limit.created"}
    told = {f"{thing}.{what}" for thing, happened in OF_ADMINISTRATION.items() for what in happened}
    assert recorded == told
    assert told <= KINDS


@pytest.mark.parametrize("kind", ["project", "project.suspended", "membership.enrolled", "invitation.used"])
def test_a_kind_or_its_first_part_is_taken(kind: str) -> None:
    assert refuse_kind(kind) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("projec", "the first parts are: application, "),
        ("bogus.created", "the first parts are: application, "),
        ("project.bogus", "there are: project.activated, project.created, "),
        ("Project", "is not a kind"),
        ("", "is not a kind"),
        ("project.", "there are: project.activated"),
    ],
)
def test_what_no_event_can_be_is_refused_with_what_there_is(text: str, told: str) -> None:
    assert told in str(refuse_kind(text))
