import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from prdc import compute_prdc
from scipy.stats import ortho_group
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from gan_augment.errors import UserError
from gan_augment.metrics import fidelity
from gan_augment.metrics.fidelity import (
    TooFewRowsError,
    frechet_distance,
    inception_score,
    intraclass_diversity,
    kernel_distance,
    precision_recall_density_coverage,
)
from gan_augment.table import Images

Rows = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)


def rows(seed: int, n: int = 60, features: int = 4) -> Rows:
    """Return correlated, skewed features, 0 or more, as of a network."""
    draw = np.random.default_rng(seed)
    return np.maximum(
        draw.normal(0.3, 1, (n, features)) @ draw.normal(size=(features, features)), 0
    )


def two_sets(seed: int, n: int = 60, m: int = 50, features: int = 4) -> tuple[Rows, Rows]:
    both = rows(seed, n + m, features)
    return both[:n], both[n:] * 1.2 + 0.1


def test_frechet_distance_by_hand() -> None:
    """Two one-dimensional Gaussians are (μ − μ')² + (σ − σ')² apart."""
    real, synthetic = np.array([[-1.0], [0], [1]]), np.array([[1.0], [5], [9]])
    assert frechet_distance(real, synthetic) == pytest.approx(5**2 + (1 - 4) ** 2)


def test_kernel_distance_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fidelity, "KERNEL_ROWS", 2)
    real, synthetic = np.array([[1.0, 0], [0, 2]]), np.array([[2.0, 2], [0, 0], [1, 1]])
    # k of pairs: 1³ among real; 1³, 3³, 1³ among synthetic; 2³, 1³, 1.5³, 3³, 1³, 2³ across
    expected = 1 + (1 + 27 + 1) / 3 - 2 * (8 + 1 + 1.5**3 + 27 + 1 + 8) / 6
    assert kernel_distance(real, synthetic) == pytest.approx(expected)


def test_inception_score_by_hand() -> None:
    certain = np.eye(4)[np.arange(100) % 4]
    assert inception_score(certain) == pytest.approx(4)
    assert inception_score(np.full((100, 4), 0.25)) == pytest.approx(1)
    halves = np.tile([[0.9, 0.1], [0.1, 0.9]], (50, 1))
    assert inception_score(halves) == pytest.approx(
        math.exp(0.9 * math.log(1.8) + 0.1 * math.log(0.2))
    )


def test_precision_recall_density_coverage_by_hand() -> None:
    """On a line, k = 1: balls of real images reach 1, 1, 2, 4; of synthetic ones 3, 1, 1, 87.5."""
    real = np.array([[0.0], [1], [3], [7]])
    synthetic = np.array([[-0.5], [2.5], [3.5], [91]])
    found = precision_recall_density_coverage(real, synthetic, k=1)
    # −0.5 is in the ball of 0; 2.5 in that of 3; 3.5 in those of 3 and 7; 91 in none
    assert found.precision == 3 / 4
    assert found.density == 4 / 4
    # 0 and 1 are in the ball of −0.5, 3 in those of 2.5 and 3.5, and 7 in none but 91's, 84 away
    assert found.recall == 4 / 4
    # the ball of 1 holds no synthetic image
    assert found.coverage == 3 / 4


def test_intraclass_diversity_by_hand() -> None:
    pixels = np.zeros((12, 1, 1, 2), np.uint8)
    pixels[:6, 0, 0, 0] = [0, 0, 0, 255, 255, 255]  # deviation ½ √(6 / 5), the other pixel's is 0
    pixels[6:, 0, 0, 1] = 200
    labels = np.repeat([3, 1], 6)
    assert intraclass_diversity(pixels, labels) == {
        1: 0.0,
        3: pytest.approx(0.25 * math.sqrt(6 / 5)),
    }


def test_intraclass_diversity_of_features_is_in_their_own_units() -> None:
    features = np.full((5, 2), 7, np.float32)
    features[:, 0] = [10, 20, 30, 40, 50]  # deviation √250, the other's is 0
    found = intraclass_diversity(features, np.zeros(5, np.int64))
    assert found == {0: pytest.approx(math.sqrt(250) / 2)}


def test_intraclass_diversity_agrees_with_numpy() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 3, 5, 4), np.uint8)
    found = intraclass_diversity(pixels, np.zeros(40, np.int64))
    assert found[0] == pytest.approx(pixels.std(axis=0, ddof=1).mean() / 255, rel=1e-12)


@pytest.mark.parametrize(("n", "m", "features"), [(200, 150, 16), (90, 400, 64)])
def test_frechet_distance_agrees_with_torch_fidelity(n: int, m: int, features: int) -> None:
    real, synthetic = two_sets(0, n, m, features)
    statistics = (fid_features_to_statistics(torch.from_numpy(part)) for part in (real, synthetic))
    theirs = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(real, synthetic) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("n", [20, 300, 1000])
def test_kernel_distance_agrees_with_torch_fidelity(n: int) -> None:
    real, synthetic = two_sets(1, n, n, 16)
    theirs = kid_features_to_metric(
        torch.from_numpy(real), torch.from_numpy(synthetic), kid_subsets=1, kid_subset_size=n
    )["kernel_inception_distance_mean"]
    assert kernel_distance(real, synthetic) == pytest.approx(theirs, rel=1e-9)


def test_kernel_distance_of_subsets_agrees_with_torch_fidelity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of more rows than a subset has, both draw 100 subsets, not the same ones."""
    monkeypatch.setattr(fidelity, "KERNEL_SUBSET_ROWS", 200)
    real, synthetic = two_sets(1, 500, 360, 8)
    theirs = kid_features_to_metric(
        torch.from_numpy(real), torch.from_numpy(synthetic), kid_subsets=100, kid_subset_size=200
    )
    mean, deviation = theirs.values()
    found = kernel_distance(real, synthetic)
    assert found == pytest.approx(mean, abs=4 * deviation * math.sqrt(2 / 100))
    assert found == kernel_distance(real, synthetic)
    assert found != kernel_distance(real[::-1], synthetic)


@pytest.mark.parametrize(("n", "m"), [(1001, 20), (20, 1001), (1200, 1500)])
def test_of_more_than_a_thousand_rows_a_hundred_draws_are_taken(
    n: int, m: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, int]] = []

    def noted(real: Rows, synthetic: Rows) -> float:
        assert len(np.unique(real)) == len(real)
        sizes.append((len(real), len(synthetic)))
        return float(len(sizes))

    monkeypatch.setattr(fidelity, "_squared_discrepancy", noted)
    real, synthetic = np.arange(n)[:, None], np.arange(m)[:, None]
    assert kernel_distance(real, synthetic) == 50.5  # the mean of 1, 2, …, 100
    assert sizes == [(min(n, 1000), min(m, 1000))] * 100
    assert kernel_distance(real[:1000], synthetic[:1000]) == 101


def test_inception_score_agrees_with_torch_fidelity() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.full(10, 0.2), 500)
    logits = torch.from_numpy(np.log(probabilities))
    theirs = isc_features_to_metric(logits, splits=1)["inception_score_mean"]
    assert inception_score(probabilities) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("n", "m", "features", "k"), [(300, 250, 16, 5), (120, 700, 64, 3), (40, 40, 2, 10)]
)
def test_neighbourhoods_agree_with_prdc(
    n: int, m: int, features: int, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fidelity, "CHUNK", 10_000)  # several chunks
    real, synthetic = two_sets(2, n, m, features)
    found = precision_recall_density_coverage(real, synthetic, k)
    assert found._asdict() == pytest.approx(compute_prdc(real, synthetic, k), abs=1e-12)
    assert 0 < found.coverage < 1


def test_precision_and_recall_agree_with_torch_fidelity() -> None:
    real, synthetic = two_sets(3, 300, 250, 16)
    theirs = prc_features_to_metric(
        torch.from_numpy(synthetic), torch.from_numpy(real), prc_neighborhood=3
    )
    found = precision_recall_density_coverage(real, synthetic, 3)
    assert found.precision == pytest.approx(theirs["precision"], abs=1e-6)
    assert found.recall == pytest.approx(theirs["recall"], abs=1e-6)


@given(SEEDS, st.sampled_from([1, 1e5]))
def test_a_set_against_itself(seed: int, scale: float) -> None:
    real = rows(seed)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-9 * np.square(real).sum())
    assert kernel_distance(real, real) <= 0
    apart = scale * np.random.default_rng(seed).normal(size=(60, 4))  # none are equally far
    found = precision_recall_density_coverage(apart, apart)
    # a ball holds its centre and k − 1 neighbours; the k-th is on its edge
    assert found.precision == found.recall == found.coverage == 1
    assert found.density == pytest.approx(1)


@given(SEEDS)
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    real, synthetic = two_sets(seed)
    draw = np.random.default_rng(seed)
    shuffled = draw.permutation(real), draw.permutation(synthetic)
    for metric in (frechet_distance, kernel_distance, precision_recall_density_coverage):
        assert metric(*shuffled) == pytest.approx(metric(real, synthetic), rel=1e-9, abs=1e-9)


@given(SEEDS, st.floats(0.1, 10))
def test_moving_turning_and_scaling_both_sets(seed: int, scale: float) -> None:
    """Neighbourhoods do not notice; the Fréchet distance is a squared length."""
    real, synthetic = two_sets(seed)
    turn = ortho_group.rvs(4, random_state=seed)
    moved = [scale * (part @ turn + np.arange(4.0)) for part in (real, synthetic)]
    assert frechet_distance(*moved) == pytest.approx(
        scale**2 * frechet_distance(real, synthetic), rel=1e-6
    )
    assert precision_recall_density_coverage(*moved) == pytest.approx(
        precision_recall_density_coverage(real, synthetic)
    )


@given(SEEDS)
def test_frechet_and_kernel_distance_are_symmetric(seed: int) -> None:
    real, synthetic = two_sets(seed)
    for metric in (frechet_distance, kernel_distance):
        assert metric(real, synthetic) == pytest.approx(metric(synthetic, real), rel=1e-9)


@given(SEEDS)
def test_precision_of_one_set_is_recall_of_the_other(seed: int) -> None:
    real, synthetic = two_sets(seed)
    there = precision_recall_density_coverage(real, synthetic)
    back = precision_recall_density_coverage(synthetic, real)
    assert (there.precision, there.recall) == (back.recall, back.precision)


@given(SEEDS)
def test_frechet_distance_does_without_variation(seed: int) -> None:
    """Constant and repeated features add nothing: covariances may be singular."""
    real, synthetic = two_sets(seed)
    wider = [np.hstack([part, part[:, :1], np.ones((len(part), 1))]) for part in (real, synthetic)]
    doubled = [part * [math.sqrt(2), 1, 1, 1] for part in (real, synthetic)]
    assert frechet_distance(*wider) == pytest.approx(frechet_distance(*doubled), rel=1e-6, abs=1e-9)


@given(SEEDS)
def test_spreading_beyond_the_real_images_costs_precision(seed: int) -> None:
    draw = np.random.default_rng(seed)
    real, synthetic = draw.normal(size=(2, 100, 3))
    precisions = [
        precision_recall_density_coverage(real, scale * synthetic).precision for scale in (1, 4, 30)
    ]
    assert precisions[0] > precisions[1] > precisions[2]


@given(SEEDS, st.sampled_from([1, 1e5]))
def test_collapse_costs_recall_and_coverage_but_not_precision(seed: int, scale: float) -> None:
    real = scale * np.random.default_rng(seed).normal(size=(100, 3))
    one = np.repeat(real[:1], 100, axis=0)
    found = precision_recall_density_coverage(real, one)
    assert found.precision == 1
    assert found.recall == 0  # equal images have neighbourhoods of no size
    assert found.coverage <= 0.2


@given(SEEDS)
def test_shares_are_shares_and_nothing_is_found_far_away(seed: int) -> None:
    real, synthetic = two_sets(seed)
    found = precision_recall_density_coverage(real, synthetic)
    assert all(0 <= share <= 1 for share in (found.precision, found.recall, found.coverage))
    assert found.density >= 0
    far = precision_recall_density_coverage(real, synthetic + 1e3)
    assert far == (0, 0, 0, 0)


@given(SEEDS, st.integers(2, 12))
def test_inception_score_lies_between_one_and_the_number_of_classes(
    seed: int, classes: int
) -> None:
    probabilities = np.random.default_rng(seed).dirichlet(np.full(classes, 0.3), 150)
    assert 1 <= inception_score(probabilities) <= classes
    assert inception_score(np.repeat(probabilities[:1], 150, axis=0)) == pytest.approx(1)


def test_kernel_distance_is_unbiased() -> None:
    """Over sets of one origin its mean is 0 within its error, and single values are below."""
    values = np.array(
        [kernel_distance(*np.random.default_rng(s).normal(size=(2, 20, 4))) for s in range(400)]
    )
    assert abs(values.mean()) < 3 * values.std() / math.sqrt(len(values))
    assert (values < 0).any()


@pytest.mark.parametrize(
    ("metric", "least"),
    [
        (frechet_distance, 5),
        (kernel_distance, 20),
        (precision_recall_density_coverage, 20),
    ],
)
def test_too_few_rows_are_refused(metric: Callable[[Rows, Rows], object], least: int) -> None:
    real, synthetic = two_sets(0, least, least)
    metric(real, synthetic)
    with pytest.raises(TooFewRowsError, match=f"at least {least} real images, not {least - 1}"):
        metric(real[1:], synthetic)
    with pytest.raises(UserError, match=f"at least {least} synthetic images, not {least - 1}"):
        metric(real, synthetic[1:])


def test_too_few_images_are_refused() -> None:
    inception_score(np.full((fidelity.SCORE_ROWS, 4), 0.25))
    with pytest.raises(TooFewRowsError, match="inception score needs at least 100 synthetic"):
        inception_score(np.full((fidelity.SCORE_ROWS - 1, 4), 0.25))
    pixels = np.zeros((9, 1, 2, 2), np.uint8)
    assert intraclass_diversity(pixels, np.repeat([0, 2], [4, 5])) == {2: 0.0}
    with pytest.raises(TooFewRowsError, match="5 images of a class, and no class has more than 4"):
        intraclass_diversity(pixels[:6], np.repeat([0, 2], [4, 2]))
    with pytest.raises(TooFewRowsError, match="no class has more than 0"):
        intraclass_diversity(pixels[:0], np.zeros(0, np.int64))


def test_a_real_image_a_class_repeated_is_no_diversity(train_images: Images) -> None:
    first = [np.flatnonzero(train_images.labels == label)[0] for label in train_images.labels]
    real = intraclass_diversity(train_images.pixels, train_images.labels)
    collapsed = intraclass_diversity(train_images.pixels[first], train_images.labels)
    assert sorted(real) == sorted(collapsed) == list(range(10))
    assert all(value == 0 for value in collapsed.values())
    assert all(value > 0.1 for value in real.values())
