import pytest

from astakos.service import password_attempts
from astakos.service.password_attempts import (
    AT_ONCE,
    AT_ONCE_FROM_ADDRESS,
    SECONDS_EACH,
    SECONDS_EACH_FROM_ADDRESS,
    Attempts,
)

HERE, ELSEWHERE = "192.0.2.7", "192.0.2.8"


class Clock:
    """A time that passes when the test says so, in place of the module `time`."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def monotonic(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(password_attempts, "time", clock)
    return clock


def spend(counted: Attempts, account: str, address: str | None) -> None:
    for _ in range(AT_ONCE):
        assert counted.begin(account, address) == 0


@pytest.mark.parametrize("address", [HERE, None])
def test_some_at_once_and_then_one_after_each_pause(clock: Clock, address: str | None) -> None:
    counted = Attempts()
    spend(counted, "ada", address)
    pause = counted.begin("ada", address)
    assert 0 < pause <= SECONDS_EACH + 1
    clock.moment += pause
    assert counted.begin("ada", address) == 0
    assert counted.begin("ada", address) > 0


def test_what_is_refused_is_not_counted(clock: Clock) -> None:
    counted = Attempts()
    spend(counted, "ada", HERE)
    pauses = {counted.begin("ada", HERE) for _ in range(50)}
    assert len(pauses) == 1


def test_nobody_is_kept_out_by_who_tries_elsewhere_or_on_another_account(clock: Clock) -> None:
    counted = Attempts()
    spend(counted, "ada", HERE)
    assert counted.begin("ada", HERE) > 0
    assert counted.begin("ada", ELSEWHERE) == 0
    assert counted.begin("ada", None) == 0
    assert counted.begin("grace", HERE) == 0


def test_who_was_right_begins_anew(clock: Clock) -> None:
    counted = Attempts()
    for _ in range(AT_ONCE_FROM_ADDRESS * 2):
        assert counted.begin("ada", HERE) == 0
        counted.succeeded("ada", HERE)
    spend(counted, "ada", HERE)


def test_one_address_can_not_try_all_accounts(clock: Clock) -> None:
    counted = Attempts()
    for number in range(AT_ONCE_FROM_ADDRESS):
        assert counted.begin(f"user {number}", HERE) == 0
    assert 0 < counted.begin("ada", HERE) <= SECONDS_EACH_FROM_ADDRESS + 1
    assert counted.begin("ada", ELSEWHERE) == 0


def test_an_own_account_does_not_pay_for_trying_others(clock: Clock) -> None:
    counted = Attempts()
    refused = 0
    for number in range(AT_ONCE_FROM_ADDRESS + 1):
        refused = counted.begin(f"user {number}", HERE)
        if not refused and not counted.begin("mallory", HERE):
            counted.succeeded("mallory", HERE)
    assert refused > 0


def test_what_is_kept_is_bounded_and_the_oldest_goes_first(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_attempts, "MOST_KEPT", 3)
    counted = Attempts()
    spend(counted, "ada", None)
    assert [counted.begin(name, None) for name in ("b", "c")] == [0, 0]
    assert counted.begin("ada", None) > 0
    assert counted.begin("d", None) == 0
    assert counted.begin("ada", None) == 0
