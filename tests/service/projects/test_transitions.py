from enum import StrEnum

import pytest

from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.projects.transitions import Check, Transition


class Lamp(StrEnum):
    ON = "on"


class Touch(StrEnum):
    LIGHT = "light"


CHECKS = [
    Check[int]("it is small", lambda size: size < 10, RefusalKind.FORBIDDEN, lambda size: f"{size} is large"),
    Check[int]("it is even", lambda size: size % 2 == 0, RefusalKind.CONFLICT, lambda size: f"{size} is odd"),
]
LIGHT = Transition(Touch.LIGHT, CHECKS, Lamp.ON)


def test_what_meets_all_checks_is_allowed() -> None:
    assert LIGHT.is_allowed(8)
    LIGHT.require_allowed(8)


@pytest.mark.parametrize(
    ("size", "kind", "message"),
    [(7, RefusalKind.CONFLICT, "7 is odd"), (11, RefusalKind.FORBIDDEN, "11 is large")],
)
def test_the_first_check_that_fails_decides(size: int, kind: RefusalKind, message: str) -> None:
    assert not LIGHT.is_allowed(size)
    with pytest.raises(ProjectRefusedError, match=message) as refused:
        LIGHT.require_allowed(size)
    assert refused.value.kind is kind
