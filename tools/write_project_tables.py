"""Writes the tables of `docs/projects.md` from those that the service acts by, so that they cannot differ::

python tools/write_project_tables.py            # writes docs/projects.md
python tools/write_project_tables.py --check    # says whether it is out of date, and fails if it is
"""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from astakos.projects.endings import ENDING
from astakos.projects.handover import HANDED_OVER, HANDOVER
from astakos.projects.invitations import CREATED as INVITATION_CREATED
from astakos.projects.invitations import INVITING, JOINING, REVOKED, REVOKING, USED
from astakos.projects.membership_actions import AUTO_ACCEPT, TABLE, event_kind
from astakos.projects.nesting import MOVE, MOVED
from astakos.projects.project_actions import APPLICATION_ACTIONS, PROJECT_ACTIONS, SUBMISSIONS
from astakos.projects.project_events import CREATED, MODIFIED, OF_APPLICATIONS, REACHED
from astakos.projects.transitions import Check, Transition

PAGE = Path(__file__).parent.parent / "docs" / "projects.md"
PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(\n<!-- end -->)", re.DOTALL)
HEAD = "| action | is carried out if, in this order | new state | what else follows |\n|---|---|---|---|"
SUBMISSION_HEAD = HEAD.replace("new state", "state of the application")

Row = Transition[Any, Any]


def tables() -> Mapping[str, str]:
    """The tables by the names of their places in the page."""
    return {
        "submissions": _table(SUBMISSION_HEAD, SUBMISSIONS.values()),
        "applications": _table(SUBMISSION_HEAD, APPLICATION_ACTIONS.values()),
        "projects": _table(HEAD, PROJECT_ACTIONS.values()),
        "handover": _table(HEAD, [HANDOVER]),
        "move": _table(HEAD, [MOVE]),
        "memberships": _table(HEAD, [row for rows in TABLE.values() for row in rows]),
        "acceptance": _table(HEAD, [AUTO_ACCEPT]),
        "invitations": _table(HEAD, [INVITING, REVOKING, JOINING]),
        "events": _events(),
    }


def written(page: str) -> str:
    """A page with its tables as they are now."""
    found = tables()
    return PLACE.sub(lambda place: f"{place[1]}\n{found[place[2]]}\n{place[3]}", page)


def _table(head: str, rows: Iterable[Row]) -> str:
    return "\n".join([head, *(_row(row) for row in rows)])


def _row(row: Row) -> str:
    checks = "<br>".join(f"{number}. {_condition(check)}" for number, check in enumerate(row.checks, 1))
    return f"| `{row.action}` | {checks} | {row.to} | {'; '.join(map(str, row.effects))} |"


def _condition(check: Check[Any]) -> str:
    return f"{check.says} ({check.kind.value})"


def _events() -> str:
    of_memberships = dict.fromkeys(event_kind(row) for rows in TABLE.values() for row in rows)
    kinds = [
        CREATED,
        MODIFIED,
        *REACHED.values(),
        ENDING,
        HANDED_OVER,
        MOVED,
        *OF_APPLICATIONS.values(),
        *of_memberships,
        INVITATION_CREATED,
        USED,
        REVOKED,
    ]
    return ", ".join(f"`{kind}`" for kind in kinds) + "."


def main() -> None:
    """Write, or check."""
    page = PAGE.read_text("utf-8")
    made = written(page)
    if sys.argv[1:] == ["--check"]:
        if page != made:
            sys.exit("docs/projects.md is out of date; run: python tools/write_project_tables.py")
    else:
        PAGE.write_text(made, "utf-8")


if __name__ == "__main__":
    main()
