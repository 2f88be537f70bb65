import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from gan_augment.metrics.lift import MOST, Lift
from gan_augment.table import FeatureSpace, Images

WIDTH = 6


def samples(counts: tuple[int, ...], seed: int, apart: float = 2.0) -> Images:
    """Return Gaussian features of classes that lie apart along an axis each."""
    labels = np.repeat(np.arange(len(counts)), counts)
    values = np.random.default_rng(seed).standard_normal((len(labels), WIDTH))
    values[np.arange(len(labels)), labels] += apart
    rows = pd.DataFrame(index=range(len(labels)))
    names = tuple("abcdef"[: len(counts)])
    space = FeatureSpace("test", "0" * 16, WIDTH, (8, 8))
    return Images(values.astype(np.float32), labels, names, rows, space)


def test_true_samples_of_a_scarce_class_help_and_false_ones_harm() -> None:
    lift = Lift(samples((150, 5), 0), samples((400, 400), 1), 0)
    assert lift.extra.tolist() == [0, 145]
    more = samples((145, 145), 2)
    right, wrong = more.pixels[more.labels == 1], more.pixels[more.labels == 0]
    label = np.ones(145, np.int64)
    helped, harmed = lift(right, label), lift(wrong, label)
    assert helped.lift > 0.1 > 5 * helped.error
    assert harmed.lift < -0.05


def test_its_standard_error_is_its_scatter_over_validation_samples() -> None:
    train, more = samples((150, 5), 0), samples((145, 145), 2)
    rows = more.labels == 1
    gains = [
        Lift(train, samples((60, 40), seed), 0)(more.pixels[rows], more.labels[rows])
        for seed in range(10, 110)
    ]
    scatter = np.std([gain.lift for gain in gains])
    assert np.mean([gain.error for gain in gains]) == pytest.approx(scatter, rel=0.25)


def by_hand(train: Images, validation: Images, more: Images, penalty: float) -> tuple[float, float]:
    """Return lift and error, as the documentation has them: 128 components, three classifiers."""
    scale = 1 if train.space else 255
    parts = [part.pixels.reshape(len(part), -1) / scale for part in (train, validation, more)]
    if train.space:
        scaler = StandardScaler().fit(parts[0])
        parts = [scaler.transform(part) for part in parts]
    see = PCA(min(128, *parts[0].shape), svd_solver="randomized", random_state=0).fit(parts[0])
    learnt, unseen, made = (see.transform(part).astype(np.float32) for part in parts)
    both, labels = np.concatenate([learnt, made]), np.concatenate([train.labels, more.labels])
    known = []
    for rows, truth in ((learnt, train.labels), (both, labels)):
        judges = (
            LogisticRegression(C=penalty, max_iter=2000),
            KNeighborsClassifier(5),
            SVC(C=10.0),
        )
        right = [judge.fit(rows, truth).predict(unseen) == validation.labels for judge in judges]
        known.append(np.mean(right, axis=0))
    gained = pd.Series(known[1] - known[0]).groupby(validation.labels)
    error = np.sqrt((gained.var(ddof=0) / gained.size()).sum()) / gained.ngroups
    return gained.mean().mean(), error


def noisy(counts: tuple[int, ...], seed: int) -> Images:
    """Return samples of 140 features of which 3 tell the classes, not surely."""
    labels, draw = np.repeat(np.arange(len(counts)), counts), np.random.default_rng(seed)
    values = draw.standard_normal((len(labels), 140)) * np.linspace(0.5, 2, 140)
    values[np.arange(len(labels)), labels] += 3
    space = FeatureSpace("test", "0" * 16, 140, (8, 8))
    rows = pd.DataFrame(index=range(len(labels)))
    return Images(values.astype(np.float32), labels, ("a", "b", "c"), rows, space)


def as_pixels(features: Images) -> Images:
    values = (features.pixels * 25 + 128).clip(0, 255).astype(np.uint8)
    return Images(values.reshape(-1, 1, 10, 14), features.labels, features.classes, features.rows)


@pytest.mark.parametrize("what", ["features", "pixels", "features that overlap"])
def test_lift_and_error_by_hand(what: str) -> None:
    sizes = (100, 60, 30), (900, 700, 400), (10, 50, 80)
    if what == "features that overlap":
        made = [samples(counts, seed, apart=0.7) for seed, counts in enumerate(sizes)]
    else:
        made = [noisy(counts, seed) for seed, counts in enumerate(sizes)]
    if what == "pixels":
        made = [as_pixels(part) for part in made]
    train, validation, more = made
    found = Lift(train, validation, 0)(more.pixels, more.labels)
    assert found == pytest.approx(by_hand(*made, 1.0 if what == "pixels" else 0.01), abs=1e-12)
    assert found.lift != 0


def test_a_handful_of_real_samples_has_fewer_neighbours_and_components() -> None:
    train, validation = samples((2, 1), 0), samples((30, 20), 1)
    lift = Lift(train, validation, 0)
    assert lift.extra.tolist() == [2, 3]
    assert np.isfinite(lift(validation.pixels, validation.labels)).all()


def test_of_very_many_samples_five_thousand_are_seen() -> None:
    """Of validation samples as of those that components are made of."""
    seen = []

    class Noted(Images):
        def at_most(self, most: int, seed: int) -> Images:
            seen.append((len(self), most))
            return super().at_most(most, seed)

    parts = (samples((40, 20), 0), samples((30, 20), 1))
    Lift(*(Noted(p.pixels, p.labels, p.classes, p.rows, p.space) for p in parts), 0)
    assert seen == [(60, 5000), (50, 5000), (60, 1500)]


def test_many_real_samples_are_a_fair_sample() -> None:
    lift = Lift(samples((2 * MOST, MOST // 2), 0), samples((50, 50), 1), 0)
    assert lift.extra.tolist() == [0, 900]  # of 1,200 and 300


def test_pixels_have_one_too(train_images: Images) -> None:
    lift = Lift(train_images, train_images, 0)
    assert lift(train_images.pixels, train_images.labels).lift == pytest.approx(0, abs=0.02)
