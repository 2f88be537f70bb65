"""What a user would do without a GAN: the same number of extra images, made by simpler means.

Each takes the real training images, how many extra images of each class are wanted, and a seed,
and returns the extra images only, in class order. SMOTE, mixtures and Gaussians are fitted to a
fair sample where there are more than `MOST_ROWS` images.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.calibration import Gaussians
from gan_augment.metrics.standard import standard
from gan_augment.seeding import rng, seed_of
from gan_augment.subsample import MOST_ROWS
from gan_augment.table import Images

Counts = NDArray[np.int64]
Baseline = Callable[[Images, Counts, int], Images]

SMOTE_NEIGHBOURS = 5
PCA_DIMENSIONS = 64
PCA_VARIANCE = 0.99
GAUSSIAN_DIMENSIONS = 48
"""About the best on validation images of TrashNet; with 512, neighbours gain nothing."""
JITTER = 1e-9
MIXTURE_SIZES = (1, 2, 4)
COVARIANCE_FLOOR = 1e-4
"""Added to the variance of every component, as a share of the images' mean variance."""


def oversample(real: Images, extra: Counts, seed: int) -> Images:
    """Repeat real images, drawn at random from their class, with all that is known of them."""
    return real.select(_draw_by_class(real, extra, rng(seed, "oversample")))


def smote(real: Images, extra: Counts, seed: int) -> Images:
    """Interpolate between an image and one of its nearest neighbours of the same class.

    Chawla et al. 2002, by imbalanced-learn; a class of one image is repeated.
    """
    from imblearn.over_sampling import SMOTE

    real = real.at_most(MOST_ROWS, seed)
    counts = real.counts()
    to_flat, from_flat = _flattening(real)
    flat = to_flat(real.pixels).astype(np.float32)
    parts = []
    for label in np.flatnonzero(extra):
        rows = flat[real.labels == label]
        if counts[label] == 1:
            parts.append(np.repeat(rows, extra[label], axis=0))
            continue
        # imbalanced-learn fills up one class of two: the other one is a stand-in, and larger.
        target = int(counts[label] + extra[label])
        stand_in = np.zeros((target, flat.shape[1]), np.float32)
        sampler = SMOTE(
            sampling_strategy={1: target},
            k_neighbors=min(SMOTE_NEIGHBOURS, int(counts[label]) - 1),
            random_state=seed_of(seed, "smote", int(label)),
        )
        labels = np.repeat([1, 0], [len(rows), target])
        filled, filled_labels = sampler.fit_resample(np.concatenate([rows, stand_in]), labels)
        parts.append(filled[filled_labels == 1][len(rows) :])
    return _images(real, from_flat(parts), extra)


def gmm(real: Images, extra: Counts, seed: int) -> Images:
    """Draw from a Gaussian mixture fitted to each class.

    In the space of the principal components of all images that hold 99 % of the variance (at most
    64); full covariances; the number of components by the Bayesian information criterion.
    """
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    real = real.at_most(MOST_ROWS, seed)
    to_flat, from_flat = _flattening(real)
    flat = to_flat(real.pixels).astype(np.float64)
    most = min(PCA_DIMENSIONS, *flat.shape)
    pca = PCA(most, svd_solver="full").fit(flat)
    kept = int(np.searchsorted(pca.explained_variance_ratio_.cumsum(), PCA_VARIANCE)) + 1
    codes = pca.transform(flat)[:, : min(kept, most)]
    floor = COVARIANCE_FLOOR * codes.var(axis=0).mean()
    parts = []
    for label in np.flatnonzero(extra):
        rows = codes[real.labels == label]
        candidates = [
            GaussianMixture(
                size, reg_covar=floor, random_state=seed_of(seed, "gmm", int(label), size)
            ).fit(rows if len(rows) > 1 else rows.repeat(2, axis=0))
            for size in MIXTURE_SIZES
            if size == 1 or size * codes.shape[1] <= len(rows)
        ]
        best = min(candidates, key=lambda mixture: mixture.bic(rows))
        drawn, _ = best.sample(extra[label])
        parts.append(drawn @ pca.components_[: codes.shape[1]] + pca.mean_)
    return _images(real, from_flat(parts), extra)


def gaussian(real: Images, extra: Counts, seed: int) -> Images:
    """Draw from a Gaussian a class, whose covariance is half its own and half that of all classes.

    See `calibration`; in the space of at most 48 principal components.
    """
    from sklearn.decomposition import PCA

    real = real.at_most(MOST_ROWS, seed)
    to_flat, from_flat = _flattening(real)
    flat = to_flat(real.pixels).astype(np.float64)
    pca = PCA(min(GAUSSIAN_DIMENSIONS, len(flat) - 1, flat.shape[1]), svd_solver="full").fit(flat)
    found = Gaussians(pca.transform(flat), real.labels)
    parts = []
    for label in np.flatnonzero(extra).tolist():
        factor = found.factor(label, JITTER, "calibrated")
        z = rng(seed, "gaussian", label).standard_normal((int(extra[label]), len(factor)))
        parts.append(pca.inverse_transform(found.means[label] + z @ factor.T))
    return _images(real, from_flat(parts), extra)


def placebo(real: Images, extra: Counts, seed: int) -> Images:
    """Fill images with grey levels drawn independently from all training pixels.

    Of features, each is drawn from its own values in all training images.

    It knows nothing of any class or shape, so a lift it causes is not due to content: it shows what
    balanced counts or mere noise do to a classifier.
    """
    parts = [
        _noise(real, int(extra[label]), rng(seed, "placebo", label))
        for label in np.flatnonzero(extra).tolist()
    ]
    return _images(real, np.concatenate([real.pixels[:0], *parts]), extra)


BASELINES: dict[str, Baseline] = {
    "oversample": oversample,
    "smote": smote,
    "gmm": gmm,
    "gaussian": gaussian,
    "placebo": placebo,
}


def draw(method: str, real: Images, extra: Counts, seed: int) -> Images:
    """Return the images of `rows`, whose arguments these are, in class order."""
    return BASELINES[method](real, extra, seed_of(seed, "baseline"))


def rows(method: str, real: Images, extra: Counts, seed: int) -> Iterator[pa.Table]:
    """Yield rows of an image table, a class at a time, with `extra` images of each by a method.

    Images of a class do not depend on how many others get, but by `oversample`, which draws class
    after class: ask it for one class at a time.

    Args:
        method: a key of `BASELINES`.
        real: training images.
        extra: int64 K.
        seed: of the set.
    """
    made = draw(method, real, extra, seed)
    for label in np.flatnonzero(extra).tolist():
        own = made.labels == label
        yield table.encode(
            made.pixels[own],
            made.labels[own],
            real.classes,
            split="train",
            origin="synthetic",
            space=real.space,
            method=method,
            seed=seed,
            index=list(range(int(extra[label]))),
            requested_label=label,
        )


def of_class(real: Images, label: int, count: int) -> Counts:
    """Return that many images of one class, as the argument `extra` wants it."""
    extra = np.zeros(len(real.classes), np.int64)
    extra[label] = count
    return extra


def _noise(real: Images, count: int, draw: np.random.Generator) -> NDArray[Any]:
    shape = (count, *real.pixels.shape[1:])
    if real.space:
        chosen = draw.integers(len(real), size=shape)
        return np.take_along_axis(real.pixels, chosen, axis=0)
    return draw.choice(real.pixels.ravel(), shape)


def _draw_by_class(real: Images, extra: Counts, draw: np.random.Generator) -> NDArray[np.intp]:
    chosen = [
        draw.choice(np.flatnonzero(real.labels == label), n) for label, n in enumerate(extra) if n
    ]
    return np.concatenate(chosen) if chosen else np.zeros(0, np.intp)


Flat = NDArray[np.floating]


def _flattening(
    real: Images,
) -> tuple[Callable[[NDArray[Any]], Flat], Callable[[list[Flat]], NDArray[Any]]]:
    """Return how samples become vectors, in which distances mean something, and the way back.

    Pixels are vectors of grey levels, features are standardised. The way back takes a list of
    vectors for each class.
    """
    size, back = real.pixels[0].size, real.pixels.shape[1:]
    if real.space:
        units = standard(real.pixels)
        return units, lambda parts: units.undo(_stack(parts, size)).astype(np.float32)
    return lambda pixels: pixels.reshape(
        len(pixels), -1
    ), lambda parts: _stack(parts, size).round().clip(0, 255).astype(np.uint8).reshape(-1, *back)


def _stack(parts: list[Flat], size: int) -> Flat:
    return np.concatenate(parts) if parts else np.zeros((0, size))


def _images(real: Images, pixels: NDArray[Any], extra: Counts) -> Images:
    labels = np.repeat(np.arange(len(extra)), extra)
    return Images(pixels, labels, real.classes, pd.DataFrame(index=range(len(labels))), real.space)
