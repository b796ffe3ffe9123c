"""The phrases of HTTP statuses, as RFC 9110 has them and Python only since 3.13."""

from http import HTTPStatus

RENAMED = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
"""So that what callers see does not depend on the Python that serves it."""


def phrase_of(status: int) -> str:
    """Returns the phrase of a status, such as "Not Found" of 404."""
    return RENAMED.get(status) or HTTPStatus(status).phrase
