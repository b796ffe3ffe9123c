import pytest

from astakos.server.limits import Limits, read_limits, told


def test_what_is_not_set_has_its_default() -> None:
    assert read_limits([]) == Limits()
    assert read_limits(["idle_seconds=120", "connections=7"]) == Limits(idle_seconds=120, connections=7)


def test_the_last_of_two_counts() -> None:
    assert read_limits(["connections=7", "connections=8"]).connections == 8


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("idle_seconds", "must be NAME=NUMBER"),
        ("patience=3", "with one of: connections, head_bytes"),
        ("connections=many", "connections must be a whole number, not 'many'"),
        ("connections=1.5", "connections must be a whole number, not '1.5'"),
        ("idle_seconds=long", "idle_seconds must be a number, not 'long'"),
        ("head_seconds=-1", "head_seconds must be greater than 0"),
        ("head_bytes=0", "head_bytes must be greater than 0"),
    ],
)
def test_what_cannot_be_a_limit_is_refused_with_the_reason(setting: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_limits([setting])


def test_what_is_told_can_be_read() -> None:
    limits = Limits(idle_seconds=0.5, collected_bytes=10**9)
    assert read_limits(told(limits).split(", ")) == limits
