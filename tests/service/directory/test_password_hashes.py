import pytest

from astakos.directory.password_hashes import is_password_hash, password_hash, password_matches


def test_a_password_matches_its_hash_alone() -> None:
    stored = password_hash("correct horse")
    assert is_password_hash(stored)
    assert "correct" not in stored
    assert password_matches(stored, "correct horse")
    assert not password_matches(stored, "Correct horse")


def test_the_same_password_has_another_hash_each_time() -> None:
    assert password_hash("same") != password_hash("same")


@pytest.mark.parametrize(
    "stored",
    ["", "correct horse", "$argon2id$nonsense", "$argon2id$v=19$m=x,t=3,p=4$YWFhYWFhYWE$YWFh", "$2b$12$abc"],
)
def test_what_is_no_hash_matches_nothing(stored: str) -> None:
    assert not password_matches(stored, stored)
    assert not is_password_hash(stored)
