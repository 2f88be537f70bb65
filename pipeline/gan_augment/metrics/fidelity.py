"""Fidelity and diversity of synthetic images: pure functions, arrays in, numbers out.

They take float64 features N×F (a row an image; see `gan_augment.metrics.features`) and depend on
nothing else: to measure a class, give them the rows of that class. Below a stated number of rows
they raise `TooFewRowsError` instead of returning noise. A value means little alone: compare it with
that of held-out real images, under the same extractor and at the same numbers of rows.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from gan_augment.errors import UserError
from gan_augment.seeding import rng

Rows = NDArray[np.float64]

KERNEL_ROWS = 20
KERNEL_SUBSET_ROWS = 1_000
KERNEL_SUBSETS = 100
SCORE_ROWS = 100
NEIGHBOURS = 5
ROWS_A_NEIGHBOUR = 4
DIVERSITY_ROWS = 5
CHUNK = 2**22
"""Distances in memory at once: 32 MiB."""
ROUNDING = 1e-11
"""Bound of the error of a squared distance, as a share of the largest squared norm."""


class TooFewRowsError(UserError):
    """A metric was asked for from fewer images than it can say anything about."""


class PRDC(NamedTuple):
    """Precision, recall and coverage are shares, 0–1; density is 0 or more, about 1 if real."""

    precision: float
    recall: float
    density: float
    coverage: float


def frechet_distance(real: Rows, synthetic: Rows) -> float:
    """Return the Fréchet distance of two Gaussians, 0 or more: ‖μ − μ'‖² + tr(Σ + Σ' − 2 (Σ Σ')^½).

    Heusel et al. 2017, eq. 6. With Σ = RᵀR from a QR decomposition of the centred rows, the
    eigenvalues of (Σ Σ')^½ are the singular values of R R'ᵀ: real, not negative, and exact to
    rounding even where features are constant or depend on each other.

    The estimate is biased upwards, the more so the fewer the rows: never compare it across numbers
    of rows.

    Args:
        real: N×F.
        synthetic: M×F.

    Raises:
        TooFewRowsError: a set has no more rows than features, so that its Σ is singular.
    """
    require_rows(real.shape[1] + 1, "Fréchet distance", real=real, synthetic=synthetic)
    means = real.mean(axis=0), synthetic.mean(axis=0)
    roots = [
        np.linalg.qr((rows - mean) / np.sqrt(len(rows) - 1)).R
        for rows, mean in zip((real, synthetic), means, strict=True)
    ]
    apart = np.square(means[0] - means[1]).sum()
    traces = sum(np.square(root).sum() for root in roots)
    common = np.linalg.svdvals(roots[0] @ roots[1].T).sum()
    return max(float(apart + traces - 2 * common), 0.0)


def kernel_distance(real: Rows, synthetic: Rows) -> float:
    """Return the squared maximum mean discrepancy, about 0 (also below) for sets of one origin.

    E[k(x, x')] + E[k(y, y')] − 2 E[k(x, y)] with k(x, y) = (x·y / F + 1)³, unbiased: x and x' are
    different rows (Bińkowski et al. 2018, section 4). Over all rows if neither set has more than
    1,000; otherwise the mean over 100 draws, always the same, of at most 1,000 rows of each.

    Args:
        real: N×F.
        synthetic: M×F.

    Raises:
        TooFewRowsError: a set has fewer than `KERNEL_ROWS`.
    """
    require_rows(KERNEL_ROWS, "kernel distance", real=real, synthetic=synthetic)
    if max(len(real), len(synthetic)) <= KERNEL_SUBSET_ROWS:
        return _squared_discrepancy(real, synthetic)
    draws = (rng(0, "kernel distance", number) for number in range(KERNEL_SUBSETS))
    return float(
        np.mean([_squared_discrepancy(_subset(real, d), _subset(synthetic, d)) for d in draws])
    )


def inception_score(probabilities: Rows) -> float:
    """Return exp(E KL(p(y|x) ‖ p(y))), from 1 to the number of classes.

    Salimans et al. 2016, section 4, with p(y) the mean over all rows. The usual ten splits are left
    out: the fewer rows p(y) is a mean of, the lower the score, so splits of a small set measure its
    size. The score sees neither collapse within a class nor any real image.

    Args:
        probabilities: N×K, of classes; rows sum to 1.

    Raises:
        TooFewRowsError: fewer than `SCORE_ROWS`.
    """
    require_rows(SCORE_ROWS, "inception score", synthetic=probabilities)
    divergences = rel_entr(probabilities, probabilities.mean(axis=0)).sum(axis=1)
    return float(np.exp(divergences.mean()))


def precision_recall_density_coverage(real: Rows, synthetic: Rows, k: int = NEIGHBOURS) -> PRDC:
    """Return how real and how varied the synthetic images are, by neighbourhoods.

    A ball around each image reaches to the k-th nearest other image of its own set. Precision: the
    share of synthetic images in a ball of a real one; recall: of real images in a ball of a
    synthetic one (Kynkäänniemi et al. 2019, eq. 1–2). Density: in how many balls of real images a
    synthetic one is, on average, over k; coverage: the share of real images with a synthetic one in
    their ball (Naeem et al. 2020, eq. 3–4).

    An image on the edge of a ball, as copies are, is outside; the edge is as wide as rounding.
    Memory is bounded whatever N and M.

    Args:
        real: N×F.
        synthetic: M×F.
        k: which neighbour a ball reaches to.

    Raises:
        TooFewRowsError: a set has fewer than `ROWS_A_NEIGHBOUR` × k.
    """
    least = ROWS_A_NEIGHBOUR * k
    require_rows(least, "precision and recall", real=real, synthetic=synthetic)
    centre = real.mean(axis=0)
    real, synthetic = real - centre, synthetic - centre
    edge = ROUNDING * max(np.square(rows).sum(axis=1).max() for rows in (real, synthetic))
    real_reach, synthetic_reach = (_squared_reach(rows, k) - edge for rows in (real, synthetic))

    balls = np.zeros(len(synthetic), np.int64)
    recalled = covered = 0
    for part, distances in squared_distances(real, synthetic):
        inside = distances < real_reach[part, None]
        balls += inside.sum(axis=0)
        covered += int(inside.any(axis=1).sum())
        recalled += int((distances < synthetic_reach).any(axis=1).sum())
    return PRDC(
        precision=float((balls > 0).mean()),
        recall=recalled / len(real),
        density=float(balls.mean()) / k,
        coverage=covered / len(real),
    )


def intraclass_diversity(pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> dict[int, float]:
    """Return how much the images of each class vary: the mean over pixels of their deviation.

    The standard deviation over images (of the sample, N − 1) on a scale of 0 to 1: far below that
    of the class's real images, the generator has collapsed.

    Args:
        pixels: uint8, N×C×H×W; or features, float32, N×F.
        labels: int64, N.

    Returns:
        The diversity by class index; classes of fewer than `DIVERSITY_ROWS` images are left out.

    Raises:
        TooFewRowsError: that is every class.
    """
    counts = np.bincount(labels)
    classes = np.flatnonzero(counts >= DIVERSITY_ROWS)
    if not len(classes):
        raise TooFewRowsError(
            f"intraclass diversity needs {DIVERSITY_ROWS} images of a class, and no class has more "
            f"than {counts.max(initial=0)}: give it more images"
        )
    return {int(label): _deviation(pixels[labels == label]) for label in classes}


def squared_distances(x: Rows, y: Rows) -> Iterator[tuple[slice, Rows]]:
    """Yield ‖x − y‖² for some rows of x and all of y at a time, with where those rows are.

    In float64, up to a rounding error that may make it negative: see `ROUNDING`.
    """
    x_norms, y_norms = np.square(x).sum(axis=1), np.square(y).sum(axis=1)
    step = max(1, CHUNK // len(y))
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        distances = x[part] @ y.T
        distances *= -2
        distances += x_norms[part, None]
        distances += y_norms
        yield part, distances


def require_rows(least: int, metric: str, **sets: NDArray[Any]) -> None:
    """Raise `TooFewRowsError` unless each set, by the name of its images, has `least` rows."""
    for name, rows in sets.items():
        if len(rows) < least:
            raise TooFewRowsError(
                f"the {metric} needs at least {least} {name} images, not {len(rows)}: "
                "give it more images or leave it out"
            )


def _subset(rows: Rows, draw: np.random.Generator) -> Rows:
    return rows[draw.permutation(len(rows))[:KERNEL_SUBSET_ROWS]]


def _squared_discrepancy(x: Rows, y: Rows) -> float:
    within = 0.0
    for rows in (x, y):
        kernel = _cubic_kernel(rows, rows)
        within += (kernel.sum() - kernel.trace()) / (len(rows) * (len(rows) - 1))
    return float(within - 2 * _cubic_kernel(x, y).mean())


def _cubic_kernel(x: Rows, y: Rows) -> Rows:
    product = x @ y.T / x.shape[1] + 1
    return product * product * product


def _squared_reach(rows: Rows, k: int) -> Rows:
    """Return the squared distance from each row to its k-th nearest other row, N."""
    parts = squared_distances(rows, rows)  # a row itself is its nearest, at rank 0
    return np.concatenate([np.partition(distances, k, axis=1)[:, k] for _, distances in parts])


def _deviation(pixels: NDArray[np.uint8]) -> float:
    """Return the mean over pixels of the standard deviation over images, on a scale of 0 to 1.

    Of features, which have no such scale, in their own units.
    """
    n = len(pixels)
    if pixels.dtype != np.uint8:
        return float(pixels.std(axis=0, ddof=1, dtype=np.float64).mean())
    sums = pixels.sum(axis=0, dtype=np.int64)
    squares = np.einsum("n...,n...->...", pixels, pixels, dtype=np.int64)
    variances = (squares - sums**2 / n) / (n - 1)
    return float(np.sqrt(variances).mean() / 255)
