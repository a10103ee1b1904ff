"""Choosing some of many objects."""

import pytest

from r2n2.data.readable import spread


@pytest.mark.parametrize(
    ("of", "count", "places"), [(10, 4, [0, 3, 6, 9]), (3, 64, [0, 1, 2]), (0, 3, []), (8770, 8770, range(8770))]
)
def test_chosen_objects_are_spread_from_first_to_last_without_repeats(of: int, count: int, places: list[int]) -> None:
    assert spread(range(of), count) == list(places)
