import numpy as np
import pytest
from scipy import stats

from gan_augment.evaluation.statistics import Cases, Difference, holm, points
from tests.evaluation import worlds


def crossed(values: np.ndarray, label: np.ndarray, group: np.ndarray | None = None) -> Difference:
    """Return the difference of values repeats × N."""
    repeats, images = values.shape
    group = np.arange(images) if group is None else group
    cases = Cases(
        np.repeat(np.arange(repeats), images), np.tile(label, repeats), np.tile(group, repeats)
    )
    return cases.difference(values.ravel().astype(float))


def flips(rate: float, repeats: int, images: int, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return draw.choice([-1.0, 0.0, 1.0], (repeats, images), p=[rate / 2, 1 - rate, rate / 2])


def by_loops(
    repeat: np.ndarray, label: np.ndarray, group: np.ndarray, values: np.ndarray
) -> dict[str, float]:
    """Return what `Cases.difference` should, term by term."""
    repeats, classes = np.unique(repeat), np.unique(label)
    parts: dict[tuple[int, int, int], float] = {}
    weights: dict[tuple[int, int, int], float] = {}
    scores = []
    for r in repeats:
        means = []
        for c in (present := np.unique(label[repeat == r])):
            stratum = (repeat == r) & (label == c)
            means.append(values[stratum].mean())
            drawn = np.unique(group[stratum])
            scale = np.sqrt(len(drawn) / (len(drawn) - 1)) if len(drawn) > 1 else 1.0
            share = 1 / (stratum.sum() * len(present))
            for g in drawn:
                own = stratum & (group == g)
                parts[r, c, g] = scale * share * (values[own] - means[-1]).sum()
                weights[r, c, g] = share * own.sum()
        scores.append(np.mean(means))
    n = len(repeats)

    def over(places: tuple[int, ...], terms: dict[tuple[int, int, int], float]) -> dict:
        sums: dict[tuple[int, ...], float] = {}
        for key, term in terms.items():
            place = tuple(key[p] for p in places)
            sums[place] = sums.get(place, 0.0) + term
        return sums

    groups = np.array(list(over((2,), parts).values())) / n
    clusters, shares = over((1, 2), parts), over((1, 2), weights)
    of_class = [[k for k in clusters if k[0] == c] for c in classes]
    plain = np.array([sum((clusters[k] / n) ** 2 for k in own) for own in of_class])
    squares = np.array([sum((shares[k] / n) ** 2 for k in own) for own in of_class])
    free = np.array([len(own) - 1 for own in of_class])
    each = plain / squares
    prior = np.minimum(2, free.sum() - free)
    moderated = squares * (free * each + prior * each[free > 0].mean()) / (free + prior)
    satterthwaite = moderated.sum() ** 2 / (moderated**2 / (free + prior)).sum()
    images, fourth = (groups**2).sum(), (groups**4).sum()
    own = sum(pair**2 for pair in over((0, 2), parts).values()) / n
    return {
        "mean": np.mean(scores),
        "images": images + moderated.sum() - plain.sum(),
        "repeats": np.var(scores, ddof=1) / n,
        "shared": max(own - images, 0) / (n - 1),
        "images_df": min(satterthwaite, 2 * images**2 / fourth),
        "repeats_df": n - 1,
        "overlap": 1.0,
    }


@pytest.mark.parametrize("seed", range(3))
def test_every_term_is_that_of_plain_loops(seed: int) -> None:
    """Groups span classes, repeats have images of their own, and two classes hardly any."""
    draw = np.random.default_rng(seed)
    repeat = np.repeat([3, 5, 6], [60, 50, 40])
    label = np.where(draw.random(150) < 0.3, 2, 7)
    label[[0, 60, 110]], label[[1, 2]] = 9, 4
    group = draw.integers(0, 25, 150)
    values = (
        draw.choice([-1.0, 0.0, 1.0], 150, p=[0.2, 0.5, 0.3]) if seed else draw.normal(size=150)
    )
    found = Cases(repeat, label, group).difference(values)
    assert vars(found) == pytest.approx(by_loops(repeat, label, group, values))
    two = repeat < 6
    lines = repeat[two], label[two], group[two]
    found = Cases(*lines).difference(values[two])
    assert vars(found) == pytest.approx(by_loops(*lines, values[two]))


def test_a_difference_by_hand() -> None:
    """Satterthwaite's degrees of freedom of two parts, one of them with what is in both."""
    found = Difference(0.1, 0.04, 0.05, 0.02, images_df=10, repeats_df=5, overlap=2.0)
    assert found.added == pytest.approx(0.06)
    assert found.error == pytest.approx(0.1**0.5)
    df = 0.1**2 / (0.04**2 / 10 + 0.08**2 / 5)
    assert found.df == pytest.approx(df)
    t = stats.t(df)
    assert found.p == pytest.approx(2 * t.sf(0.1**0.5))
    assert found.above(0.3) == pytest.approx(t.cdf(-0.2 / 0.1**0.5))
    assert found.interval(0.5) == pytest.approx(stats.t.interval(0.5, df, 0.1, 0.1**0.5))
    assert found.interval(0.999) == (-1.0, 1.0)
    more = found.on(4)
    assert (more.images, more.shared, more.images_df) == pytest.approx((0.01, 0.005, 40))
    assert (more.repeats, more.repeats_df, more.overlap) == (pytest.approx(0.035), 5, 2.0)
    plain = Difference(0.1, 0.04, 0.01, 0.02, 10, 5)
    assert (plain.added, plain.overlap) == (0, 1)
    assert plain.on(2).repeats == pytest.approx(0.01)


def test_where_nothing_differs_it_is_as_if_one_image_had() -> None:
    """The mean over classes of n weights squared, over n, with two degrees of freedom."""
    label = np.repeat([0, 1], [10, 40])
    for repeats in (1, 4):
        found = crossed(np.zeros((repeats, 50)), label)
        assert found.images == pytest.approx((1 / 20**2 + 1 / 80**2) / 2)
        assert (found.repeats, found.shared, found.images_df) == (0, 0, 2)
        assert found.repeats_df == max(repeats - 1, 1)


def test_classes_of_two_images_moderate_each_other_and_classes_of_one_say_nothing() -> None:
    repeat, label, group = np.repeat([0, 1], 4), np.tile([0, 0, 1, 1], 2), np.tile(np.arange(4), 2)
    values = np.array([1.0, 0, 0, -1, 1, 0, 1, 0])
    found = Cases(repeat, label, group).difference(values)
    assert vars(found) == pytest.approx(by_loops(repeat, label, group, values))
    alone = crossed(np.array([[1.0, -1.0], [1.0, 0.0]]), np.array([0, 1]))
    assert (alone.images, alone.images_df) == (0.25, 2)


@pytest.mark.parametrize("images", [2, 3, 5])
def test_a_class_alone_borrows_nothing(images: int) -> None:
    """Its p-value is that of a paired t test of its images, whose values no repeat changes."""
    values = np.random.default_rng(images).normal(0.1, 0.3, (1, images))
    found = crossed(values.repeat(6, axis=0), np.zeros(images, int))
    assert found.images_df == images - 1
    assert found.p == pytest.approx(stats.ttest_1samp(values[0], 0).pvalue)


def test_of_one_class_alone_at_most_five_percent_of_chances_are_significant() -> None:
    """Three images that differ from each other and by the repeat, but not on the mean."""
    draw, label = np.random.default_rng(0), np.zeros(3, int)
    values = (draw.normal(0, 0.3, 3) + draw.normal(0, 0.1, (6, 3)) for _ in range(1000))
    assert np.mean([crossed(one, label).p < 0.05 for one in values]) < 0.06


def test_a_repeat_alone_has_no_variance_of_repeats() -> None:
    found = crossed(flips(0.5, 1, 60), np.zeros(60, int))
    assert (found.repeats, found.shared, found.repeats_df) == (0, 0, 1)
    assert len(Cases(np.zeros(7), np.zeros(7), np.arange(7))) == 7


def test_points_are_hundredths() -> None:
    gain = {"mean": 0.4567, "low": -0.004, "high": 0.92}
    assert points(gain) == "+45.7 points (-0.4 to +92.0)"
    assert points(gain, " %") == "+45.7 % (-0.4 to +92.0)"


def test_the_mean_is_balanced() -> None:
    label = np.repeat([0, 1], [10, 90])
    values = np.tile(np.where(label == 0, 0.5, 0.1), (6, 1))
    assert crossed(values, label).mean == pytest.approx(0.3)


def test_with_the_same_in_every_repeat_only_images_vary() -> None:
    """One class and n images: the variance of a mean, s²/n, moderated by nothing else."""
    values = np.tile(flips(0.5, 1, 80), (6, 1))
    found = crossed(values, np.zeros(80, int))
    assert found.images == pytest.approx(values[0].var(ddof=1) / 80)
    assert found.added == pytest.approx(0, abs=1e-15)
    low, high = stats.t.interval(0.95, found.df, values.mean(), found.error)
    assert found.interval(0.95) == pytest.approx((low, high))
    assert 60 < found.df < 100


def test_what_all_images_share_is_variance_of_repeats() -> None:
    shift = np.array([[0.01], [0.03], [0.02], [0.05], [0.0], [0.01]])
    values = np.tile(flips(0.1, 1, 2000), (6, 1)) * 0.01 + shift
    found = crossed(values, np.zeros(2000, int))
    assert found.repeats == pytest.approx(shift.var(ddof=1) / 6)
    assert found.error == pytest.approx(np.sqrt(found.repeats), rel=0.01)
    assert found.df == pytest.approx(5, abs=0.2)


def test_the_variance_is_unbiased() -> None:
    """Images of two classes, repeats and both together: in a thousand worlds the mean is right."""
    draw, label = np.random.default_rng(0), np.repeat([0, 1], [20, 60])
    found = []
    for _ in range(1000):
        values = (
            draw.normal(0, [0.3] * 20 + [0.2] * 60)
            + draw.normal(0, 0.05, (6, 1))
            + draw.normal(0, 0.4, (6, 80))
        )
        found.append(crossed(values, label))
    true = 0.05**2 / 6 + ((0.3**2 + 0.4**2 / 6) / 20 + (0.2**2 + 0.4**2 / 6) / 60) / 4
    assert np.mean([one.error**2 for one in found]) == pytest.approx(true, rel=0.05)
    assert np.var([one.mean for one in found]) == pytest.approx(true, rel=0.15)


def test_images_of_a_group_count_as_one() -> None:
    alone = flips(0.5, 1, 40).repeat(6, axis=0)
    five = alone.repeat(5, axis=1)
    one = crossed(alone, np.zeros(40, int))
    together = crossed(five, np.zeros(200, int), np.arange(40).repeat(5))
    apart = crossed(five, np.zeros(200, int))
    assert together.error == pytest.approx(one.error)
    assert together.df == pytest.approx(one.df)
    assert apart.error < 0.5 * one.error


def test_repeats_with_images_of_their_own_are_independent() -> None:
    """Without an image in common, what varies from repeat to repeat is all there is."""
    values = flips(0.3, 6, 100)
    cases = Cases(np.repeat(np.arange(6), 100), np.zeros(600, int), np.arange(600))
    found = cases.difference(values.ravel())
    plain = values.mean(axis=1).var(ddof=1) / 6
    assert found.error**2 == pytest.approx(max(plain, found.images))
    shared = crossed(values[:1].repeat(6, axis=0), np.zeros(100, int))
    assert shared.error > 2 * found.error


def test_few_images_that_differ_are_weighed_as_by_the_exact_test() -> None:
    """Six to none is p = 0.031 by the sign test; eight to two is 0.109 (0.065 by its mid-p)."""
    values = np.zeros((6, 500))
    values[:, :6] = 1
    assert crossed(values, np.zeros(500, int)).p == pytest.approx(0.031, abs=0.005)
    values[:, 6:10] = [1, 1, -1, -1]
    assert 0.05 < crossed(values, np.zeros(500, int)).p < 0.12


def test_where_no_image_differs_the_interval_is_that_of_the_rule_of_three() -> None:
    found = crossed(np.zeros((10, 400)), np.zeros(400, int))
    assert found.p == 1
    assert found.interval(0.9)[1] == pytest.approx(3 / 400, rel=0.05)


def test_a_class_of_one_image_is_as_uncertain_as_the_others() -> None:
    label = np.array([0] * 40 + [1] * 40 + [2])
    values = np.tile(flips(0.5, 1, 81), (6, 1))
    found = crossed(values, label)
    typical = np.mean([values[0, :40].var(ddof=1), values[0, 40:80].var(ddof=1)])
    assert found.images > 0.9 * typical / 9


def test_the_ends_of_intervals_are_where_the_tests_are_just_significant() -> None:
    found = crossed(flips(0.4, 8, 150) + 0.02, np.arange(150) % 3)
    for confidence in (0.9, 0.95):
        low, high = found.interval(confidence)
        assert found.above(low) == pytest.approx((1 + confidence) / 2)
        assert found.above(high) == pytest.approx((1 - confidence) / 2)
    assert found.p == pytest.approx(2 * min(found.above(0), 1 - found.above(0)))


def test_on_more_images_their_part_shrinks_and_the_rest_stays() -> None:
    shift = np.random.default_rng(1).normal(0, 0.02, (6, 1))
    found = crossed(flips(0.4, 6, 200) + shift, np.zeros(200, int))
    more = found.on(4)
    assert more.images == pytest.approx(found.images / 4)
    assert more.added == pytest.approx(found.added)
    assert found.on(1).error == pytest.approx(found.error)
    assert more.error < found.error


def test_overlapping_training_sets_widen_what_repeats_add_alone() -> None:
    values = flips(0.4, 6, 200) + np.random.default_rng(1).normal(0, 0.05, (6, 1))
    cases = Cases(np.repeat(np.arange(6), 200), np.zeros(1200, int), np.tile(np.arange(200), 6))
    plain, wider = cases.difference(values.ravel()), cases.difference(values.ravel(), 3.0)
    assert wider.added == pytest.approx(3 * plain.added)
    assert wider.images == plain.images
    assert wider.p > plain.p


@pytest.mark.parametrize(
    ("sizes", "repeats", "kept", "luck"),
    [
        ([36] * 10, 10, 0.0, 0.0),
        ([36] * 10, 6, 0.5, 0.0),
        ([80] * 6, 6, 1.0, 0.1),
        ([4] * 4 + [60] * 4, 6, 0.5, 0.05),
        ([200] * 3, 10, 0.0, 0.1),
    ],
)
def test_intervals_cover_in_nineteen_worlds_of_twenty(
    sizes: list[int], repeats: int, kept: float, luck: float
) -> None:
    """No effect, arms that differ image by image and repeat by repeat: 400 worlds each."""
    draw, p, narrow = np.random.default_rng(0), [], []
    for _ in range(400):
        world = worlds.random(draw, sizes, repeats, {"real": 0, "gan": 0}, kept=kept, luck=luck)
        found = world.cases.difference(world.right["svm", "gan"] - world.right["svm", "real"])
        p.append(found.p)
        low, high = found.interval(0.9)
        narrow.append(low <= 0 <= high)
    assert np.mean(np.array(p) < 0.05) <= 0.07
    assert np.mean(narrow) >= 0.87


def test_adjusted_p_values_are_those_of_the_textbook() -> None:
    """Holm 1979: the smallest of m times m, the next times m − 1, never below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
