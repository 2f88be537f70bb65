import math

from hypothesis import given
from hypothesis import strategies as st

from gan_augment.report.forest import MOST_TICKS, scale

shares = st.floats(-1, 1)


@given(st.lists(st.tuples(shares, shares, shares).map(sorted), max_size=5), st.floats(0, 20))
def test_all_intervals_zero_and_the_least_gain_fit(
    intervals: list[list[float]], min_gain: float
) -> None:
    differences = [dict(zip(("low", "mean", "high"), each, strict=True)) for each in intervals]
    found = scale(differences, min_gain)
    assert len(found.ticks) <= MOST_TICKS + 1
    assert any(math.isclose(tick.points, 0, abs_tol=1e-9) for tick in found.ticks)
    places = [found.at(0), found.at(min_gain / 100)]
    for difference in differences:
        mark = found.mark(difference)
        assert mark.low <= mark.mean <= mark.high
        places += [mark.low, mark.high]
    assert all(0 <= place <= 100 for place in places)


def test_ticks_are_whole_steps() -> None:
    found = scale([{"mean": 0.02, "low": -0.013, "high": 0.041}], 0.5)
    assert [tick.points for tick in found.ticks] == [-2, 0, 2, 4, 6]
    assert found.ticks[0].at < found.at(0) < found.ticks[-1].at
