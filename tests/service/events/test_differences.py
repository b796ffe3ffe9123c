from astakos.events.differences import CUT, LONGEST_LIST, LONGEST_TEXT, bounded, differences


def test_only_values_that_differ_are_told() -> None:
    before, after = {"a": 1, "b": 2, "gone": 3}, {"a": 1, "b": 4, "new": 5}
    assert differences(before, after) == ({"b": 2, "new": None}, {"b": 4, "new": 5})


def test_of_something_new_everything_is_told() -> None:
    assert differences(None, {"a": None}) == (None, {"a": None})


def test_long_values_are_cut_and_the_cut_is_marked() -> None:
    value = {"text": "x" * (LONGEST_TEXT + 1), "list": ["y"] * (LONGEST_LIST + 1), "number": 7}
    cut = bounded(value)
    assert cut == {"text": "x" * LONGEST_TEXT + CUT, "list": ["y"] * LONGEST_LIST + [CUT], "number": 7}
    assert bounded({"text": "x" * LONGEST_TEXT}) == {"text": "x" * LONGEST_TEXT}
