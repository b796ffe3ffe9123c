"""What a status is called does not depend on the Python that serves it."""

from http import HTTPStatus

import pytest

from astakos.http.status_phrases import phrase_of


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        (404, "Not Found"),
        (413, "Content Too Large"),
        (414, "URI Too Long"),
        (416, "Range Not Satisfiable"),
        (422, "Unprocessable Content"),
    ],
)
def test_phrases_are_those_of_the_standard(status: int, phrase: str) -> None:
    assert phrase_of(status) == phrase


def test_every_status_has_one() -> None:
    assert all(phrase_of(status) for status in HTTPStatus)
