"""What docs/keys.md shows in Python works as it is written."""

from pathlib import Path

import pytest

from docs.pages import run

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def test_a_key_with_limits_works_as_shown(pytester: pytest.Pytester) -> None:
    result = run("keys", PAGE.read_text(encoding="utf-8"), pytester)
    result.assert_outcomes(passed=1)
