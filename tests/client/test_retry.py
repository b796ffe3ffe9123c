"""The retry policy as a value: how often, and after how long."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakosclient import Retry, errors
from astakosclient.retry import seconds_to_wait


@given(
    count=st.integers(0, 10),
    failures=st.integers(1, 20),
    status=st.sampled_from([301, 400, 404, 409, 413, 429, 500, 502, 503, 504]),
    repeatable=st.booleans(),
    remaining=st.floats(0, 100),
    jitter=st.floats(0, 1),
    wait=st.none() | st.floats(0, 100),
)
def test_again_never_exceeds_its_count_or_time_and_never_risks_a_write(
    count: int,
    failures: int,
    status: int,
    repeatable: bool,
    remaining: float,
    jitter: float,
    wait: float | None,
) -> None:
    error = errors.AstakosClientException("m", "d", status)
    error.retry_after = wait
    retry = Retry(count)
    pause = retry.again(
        failures, error, method="POST", repeatable=repeatable, remaining=remaining, jitter=jitter
    )
    if pause is None:
        return
    assert failures <= count
    assert (wait or 0) <= pause < remaining
    assert pause <= (wait or 0) + retry.cap
    assert status == 429 or (repeatable and status in {502, 503, 504})


def test_pauses_double_up_to_the_cap() -> None:
    retry = Retry(100, base=0.1, cap=1.0)
    assert [retry.limit_of_pause(failures) for failures in (1, 2, 3, 4, 5, 100_000)] == [
        0.1,
        0.2,
        0.4,
        0.8,
        1.0,
        1.0,
    ]


def test_a_retry_is_a_value() -> None:
    assert Retry(3) == Retry(3)
    assert hash(Retry(3)) == hash(Retry(3))
    with pytest.raises(AttributeError):
        Retry(3).count = 4


BAD_CHOICES: list[dict[str, Any]] = [
    {"base": -1},
    {"cap": float("nan")},
    {"base": "1"},
    {"count": None},
    {"budget": -1},
    {"budget": float("nan")},
    {"statuses": 500},
    {"statuses": ["500"]},
    {"methods": "GET"},
]


@pytest.mark.parametrize(
    "arguments", [{"base": -1}, {"cap": float("nan")}, {"base": "1"}, {"count": None}, *BAD_CHOICES]
)
def test_a_retry_that_cannot_be_right_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(errors.BadValue):
        Retry(**arguments)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\u0665", None),
        ("0", 0),
        (" 120 ", 120),
        ("9" * 400, 2.0**31),
        ("Thu, 01 Jan 1970 00:20:00 GMT", 200),
        ("Thu, 01 Jan 1970 00:20:00", 200),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 01 Jan 99999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(header, now=1000.0) == seconds
