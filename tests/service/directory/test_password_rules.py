import pytest

from astakos.directory.password_rules import LONGEST_PASSWORD, SHORTEST_PASSWORD, refuse_password


@pytest.mark.parametrize("password", ["", "1", "x" * (SHORTEST_PASSWORD - 1), "x" * (LONGEST_PASSWORD + 1)])
def test_a_password_that_is_easily_guessed_or_endless_is_refused(password: str) -> None:
    assert refuse_password(password) == "a password must have 8 to 1024 characters"


@pytest.mark.parametrize("password", ["x" * SHORTEST_PASSWORD, "Größe – ×", "x" * LONGEST_PASSWORD])
def test_any_other_password_is_accepted(password: str) -> None:
    assert refuse_password(password) is None
