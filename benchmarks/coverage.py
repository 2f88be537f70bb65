"""Do the intervals of a study hold the truth as often as they say?

    python -m benchmarks.coverage              # five minutes on one core
    python -m benchmarks.coverage --pools 5    # does everything run?

Pools of samples are drawn from a known distribution: four classes in 20 dimensions, each a mixture
of two widths. A study of each pool splits it six times anew, caps the training images, and compares
two classifiers as it would two arms. The truth is their difference on new training sets of that
size and new test samples. Prints, as Markdown, how many 95 % intervals hold it, and how wide they
are: if replicates were independent, and as a study has it.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from benchmarks import script
from gan_augment.evaluation.statistics import Cases
from gan_augment.markdown import table
from gan_augment.seeding import rng
from gan_augment.study.study import overlap

CLASSES, DIMENSIONS = 4, 20
REPLICATES = 6
MEANS = 0.45 * np.random.default_rng(0).normal(size=(CLASSES, DIMENSIONS))
TRAIN, TEST = 0.6, 0.2
NEW_SETS, NEW_SAMPLES = 150, 4000

Make = Callable[[], Any]
ARMS: dict[str, tuple[Make, Make]] = {
    "two penalties": (
        lambda: LogisticRegression(C=1.0, max_iter=300),
        lambda: LogisticRegression(C=0.02, max_iter=300),
    ),
    "two kinds": (
        lambda: LogisticRegression(C=0.1, max_iter=300),
        lambda: KNeighborsClassifier(5),
    ),
}


class Pool(NamedTuple):
    """Samples of a class in a pool, and training samples of it in a split at most."""

    samples: int
    most: int

    @property
    def learnt(self) -> int:
        """Training samples of a class."""
        return min(self.most, round(TRAIN * self.samples))


POOLS = (Pool(100, 60), Pool(100, 15), Pool(400, 20), Pool(400, 60))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage")
    parser.add_argument("--pools", type=int, default=200, help="how many of each kind")
    options = parser.parse_args(arguments)
    head = ["arms", "pool, a class", "learnt from", "truth", "independent", "as a study has it"]
    print(table(head, list(_lines(options.pools))))


def _lines(pools: int) -> Iterator[list[str]]:
    for title, arms in ARMS.items():
        for pool in POOLS:
            draw = rng(0, "coverage", title, *pool)
            truth = _truth(arms, pool.learnt, draw)
            found = np.array([_intervals(arms, pool, draw) for _ in range(pools)])
            held = ((found[..., 0] <= truth) & (truth <= found[..., 1])).mean(axis=0)
            width = np.median(found[..., 1] - found[..., 0], axis=0)
            cells = [f"{h:.0%}, {100 * w:.1f} points" for h, w in zip(held, width, strict=True)]
            yield [title, str(pool.samples), str(pool.learnt), f"{100 * truth:+.1f}", *cells]


def _intervals(
    arms: tuple[Make, Make], pool: Pool, draw: np.random.Generator
) -> list[tuple[float, float]]:
    """Return the 95 % intervals of a study of one pool: as if independent, and as it has it."""
    values, labels = _population(pool.samples, draw)
    tests, trains, right = [], [], []
    for _ in range(REPLICATES):
        train, test = _split(labels, pool, draw)
        trains.append(set(train.tolist()))
        tests.append(test)
        right.append(_difference(arms, values[train], labels[train], values[test], labels[test]))
    judged = np.concatenate(tests)
    repeat = np.repeat(np.arange(REPLICATES), len(tests[0]))
    cases, differences = Cases(repeat, labels[judged], judged), np.concatenate(right)
    times = 1.0, overlap(trains, len(tests[0]))
    return [cases.difference(differences, factor).interval(0.95) for factor in times]


def _truth(arms: tuple[Make, Make], learnt: int, draw: np.random.Generator) -> float:
    test = _population(NEW_SAMPLES, draw)
    sets = (_population(learnt, draw) for _ in range(NEW_SETS))
    return float(np.mean([_difference(arms, *one, *test).mean() for one in sets]))


def _population(each: int, draw: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    labels = np.repeat(np.arange(CLASSES), each)
    width = 1 + 0.6 * draw.integers(0, 2, len(labels))
    noise = draw.normal(size=(len(labels), DIMENSIONS))
    return MEANS[labels] + noise * width[:, None], labels


def _split(
    labels: NDArray[Any], pool: Pool, draw: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    train, test, judged = [], [], round(TEST * pool.samples)
    for label in range(CLASSES):
        rows = draw.permutation(np.flatnonzero(labels == label))
        test.append(rows[:judged])
        train.append(rows[judged : judged + pool.learnt])
    return np.concatenate(train), np.concatenate(test)


def _difference(
    arms: tuple[Make, Make],
    values: NDArray[Any],
    labels: NDArray[Any],
    new: NDArray[Any],
    truth: NDArray[Any],
) -> NDArray[np.float64]:
    """Return what the first gets right and the second does not, −1, 0 or 1 a sample."""
    first, second = ((make().fit(values, labels).predict(new) == truth) for make in arms)
    return first.astype(float) - second.astype(float)


if __name__ == "__main__":
    script.run(main)
