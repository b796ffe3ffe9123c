from astakos.counted_nouns import counted


def test_one_thing_is_in_the_singular() -> None:
    assert [counted(number, "user has", "users have") for number in (0, 1, 2)] == [
        "0 users have",
        "1 user has",
        "2 users have",
    ]
