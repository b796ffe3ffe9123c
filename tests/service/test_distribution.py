from astakos.distribution import Distribution


def test_a_value_counts_for_the_first_bound_that_it_does_not_exceed() -> None:
    found = Distribution((1, 2, 4))
    for value in (0, 1, 1.5, 2, 3, 4, 4.5, 100):
        found.add(value)
    assert (found.counts, found.total) == ([2, 2, 2, 2], 116)


def test_what_others_have_counted_is_added() -> None:
    found = Distribution((1, 2))
    found.add(2)
    found.add_all([1, 1, 1], 7.5)
    assert (found.counts, found.total) == ([1, 2, 1], 9.5)
