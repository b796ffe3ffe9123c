"""How long, and in which form, verdicts are kept."""

from __future__ import annotations

import pytest

from astakosclient.errors import BadValue
from astakosclient.middleware.verdict_cache import Keeping, KeptVerdicts
from astakosclient.middleware.verdicts import Identity, Refused, Unavailable

ADA = Identity("uuid-of-ada", "ada@example.org", "Ada Byron", ("staff",))
TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
NOW = 1_900_000_000.0


def test_each_sort_of_verdict_has_its_own_time() -> None:
    kept = KeptVerdicts(Keeping(seconds=30, refused_seconds=5))
    good, bad, unknown = map(kept.key_of, ("good", "bad", "unknown"))
    kept.put(good, ADA, 100)
    kept.put(bad, Refused(), 100)
    kept.put(unknown, Unavailable(5, "no answer"), 100)
    assert [kept.get(key, 104.9) for key in (good, bad, unknown)] == [ADA, Refused(), None]
    assert [kept.get(key, 105) for key in (good, bad)] == [ADA, None]
    assert kept.get(good, 129.9) == ADA
    assert kept.get(good, 130) is None


def test_a_verdict_does_not_outlive_the_token() -> None:
    kept = KeptVerdicts(Keeping(seconds=30))
    key = kept.key_of(TOKEN)
    kept.put(key, ADA._replace(expires=NOW + 3), 100, wall_clock=NOW)
    assert kept.get(key, 102.9) is not None
    assert kept.get(key, 103) is None
    kept.put(key, ADA._replace(expires=NOW - 1), 100, wall_clock=NOW)
    assert kept.get(key, 100) is None


def test_a_newer_verdict_replaces_an_older_one() -> None:
    kept = KeptVerdicts(Keeping())
    key = kept.key_of(TOKEN)
    kept.put(key, ADA, 100)
    kept.put(key, ADA._replace(roles=()), 101)
    assert kept.get(key, 102) == ADA._replace(roles=())
    kept.put(key, Refused(), 103)
    assert kept.get(key, 104) == Refused()
    kept.put(key, ADA, 105)
    assert kept.get(key, 106) == ADA


def test_those_not_seen_for_longest_are_forgotten_and_guesses_displace_nobody() -> None:
    kept = KeptVerdicts(Keeping(most=2))
    keys = [kept.key_of(str(number)) for number in range(4)]
    kept.put(keys[0], ADA, 100)
    kept.put(keys[1], ADA, 100)
    assert kept.get(keys[0], 101) == ADA
    kept.put(keys[2], ADA, 101)
    assert [kept.get(key, 101) for key in keys[:3]] == [ADA, None, ADA]
    for number in range(1000):
        kept.put(kept.key_of(f"guess {number}"), Refused(), 101)
    assert [kept.get(key, 101) for key in keys[:3]] == [ADA, None, ADA]
    assert kept.get(kept.key_of("guess 0"), 101) is None
    assert kept.get(kept.key_of("guess 999"), 101) == Refused()


def test_nothing_is_kept_for_no_time() -> None:
    kept = KeptVerdicts(Keeping(seconds=0, refused_seconds=0))
    key = kept.key_of(TOKEN)
    for verdict in (ADA, Refused()):
        kept.put(key, verdict, 100)
        assert kept.get(key, 100) is None


def test_a_token_cannot_be_told_from_what_stands_for_it() -> None:
    one, other = KeptVerdicts(Keeping()), KeptVerdicts(Keeping())
    assert one.key_of(TOKEN) == one.key_of(TOKEN)
    assert one.key_of(TOKEN) != other.key_of(TOKEN)
    assert TOKEN.encode() not in one.key_of(TOKEN)
    assert len(one.key_of("\ud800 no text at all \xff")) == 32


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seconds": -1}, "seconds must be a number of seconds, 0 or more, not -1"),
        ({"seconds": float("nan")}, "not nan"),
        ({"refused_seconds": float("inf")}, "refused_seconds"),
        ({"seconds": "30"}, "not '30'"),
        ({"most": 0}, "most must be a number of tokens, 1 or more, not 0"),
        ({"most": 1.5}, "not 1.5"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(BadValue, match=words):
        Keeping(**arguments)  # type: ignore[arg-type]  # what is tested
