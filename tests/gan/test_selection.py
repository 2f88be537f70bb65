from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gan_augment.gan.selection import best_of, is_better, is_blind


def row(
    cas: float | None, kid: float | None = 0.5, fid: float | None = 1.0, near: float = 0.0
) -> dict[str, Any]:
    return {
        "cas": cas,
        "cas_error": None if cas is None else 0.01,
        "near_copies": near,
        "kid": kid,
        "fid": fid,
    }


def kept(*rows: dict[str, Any], select: Any = "cas") -> int:
    """Return which row is kept when evaluations come one after another."""
    best = 0
    for number in range(1, len(rows)):
        if is_better(rows[number], rows[best], rows[: number + 1], select):
            best = number
    return best


def test_a_clearly_higher_cas_wins_whatever_the_kid() -> None:
    assert kept(row(0.90, kid=0.1), row(0.95, kid=0.9)) == 1
    assert kept(row(0.95, kid=0.9), row(0.90, kid=0.1)) == 0


def test_lift_goes_by_the_same_rule() -> None:
    """0.95 is level with 0.945; CAS would say the opposite."""
    lifts = [(0.90, 0.1), (0.95, 0.3), (0.945, 0.2)]
    rows = [{**row(1 - lift, kid), "lift": lift, "lift_error": 0.01} for lift, kid in lifts]
    assert kept(*rows, select="lift") == 2


def test_of_level_ones_the_lower_kid_wins() -> None:
    assert kept(row(0.950, kid=0.3), row(0.945, kid=0.2)) == 1
    assert kept(row(0.945, kid=0.2), row(0.950, kid=0.3)) == 0


def test_small_steps_down_do_not_add_up() -> None:
    """Each is level with the one before, but the last is not with the first."""
    steps = [row(0.950 - 0.006 * n, kid=0.5 - 0.1 * n) for n in range(4)]
    assert kept(*steps) == 1


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8))
def test_what_is_kept_is_never_clearly_worse_than_the_highest(
    scores: list[tuple[float, float]],
) -> None:
    rows = [row(cas, kid) for cas, kid in scores]
    assert rows[kept(*rows)]["cas"] >= max(cas for cas, _ in scores) - 0.01 - 1e-12


def test_scores_that_are_missing_leave_it_to_the_next() -> None:
    assert kept(row(None, kid=0.5), row(None, kid=0.4)) == 1
    assert kept(row(0.95, kid=None), row(0.951, kid=None)) == 1


def test_where_nothing_is_known_the_later_one_is_kept() -> None:
    assert kept(row(None, kid=None), row(None, kid=None)) == 1
    assert kept(row(0.9, kid=None), row(0.9, kid=None), select="kid") == 1
    assert is_blind(row(0.9, kid=None, fid=None), "fid")
    assert not is_blind(row(0.9, kid=None), "cas")
    assert not is_blind(row(None, kid=0.1), "cas")


def test_the_user_may_choose_the_score() -> None:
    rows = row(0.9, kid=0.5, fid=1.0), row(0.9, kid=0.4, fid=2.0)
    assert kept(*rows, select="kid") == 1
    assert kept(*rows, select="fid") == 0


def test_one_that_copies_loses_to_any_that_does_not() -> None:
    assert kept(row(0.80), row(0.95, kid=0.1, near=0.2)) == 0
    assert kept(row(0.95, near=0.2), row(0.80)) == 1
    assert kept(row(0.90, near=0.2), row(0.95, near=0.3)) == 1
    assert kept(row(0.90), row(0.99, near=0.2), row(0.905, kid=0.1)) == 2


def test_of_several_networks_the_highest_lift_wins_and_copies_lose() -> None:
    one, other, copier = (
        {**row(0.9, kid=0.1, near=near), "lift": lift}
        for lift, near in ((0.01, 0.0), (0.02, 0.0), (0.09, 0.5))
    )
    assert best_of({"one": one, "other": other, "copier": copier}) == "other"
    assert best_of({"copier": copier}) == "copier"
    assert best_of({"first": one, "second": one}) == "first"


def test_without_lift_the_lowest_kid_wins() -> None:
    rows = {name: {**row(None, kid=kid), "lift": None} for name, kid in (("a", 0.2), ("b", 0.1))}
    assert best_of(rows) == "b"
    assert best_of({**rows, "c": {**row(None, kid=None), "lift": None}}) == "b"
