"""Which plan adds more: `fill`, `{fill: 2}` or `{ratio: 1}`, with balanced and unbalanced classes?

    python -m benchmarks.plans                 # all sets, a quarter of an hour of one core
    python -m benchmarks.plans --sets digits-20

Small sets, in which every second class has fewer images; each world has a split and a generator
(`mlp`, few steps, no gates) of its own. What a method adds to balanced accuracy is told on held-out
images of the training part, in points over real images alone, on the mean over three classifiers;
nothing is tuned, and no test image is opened. Prints Markdown. The images are in the folder that
GAN_AUGMENT_DATASETS names.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import script
from benchmarks.datasets import DATASETS, first, labelled
from benchmarks.experiment import Trained, draw, train
from gan_augment.evaluation.classifiers import classifier
from gan_augment.evaluation.training_set import of_images
from gan_augment.markdown import table
from gan_augment.params import EvaluateParams, Plan, TrainParams
from gan_augment.synthesis import plan
from gan_augment.synthesis.baselines import BASELINES
from gan_augment.table import Images

PLANS: dict[str, object] = {"fill": "fill", "fill: 2": {"fill": 2}, "ratio: 1": {"ratio": 1}}
METHODS = ("smote", "gmm", "gan")
CLASSIFIERS = ("logistic-regression", "k-nn", "rbf-svm")
HELD_OUT = {"digits": 80, "fashion-mnist": 200}
"""Images of each class that are judged by, and at most trained on."""


class Set(NamedTuple):
    """Images of a data set: how many in even and in odd classes, and steps of training."""

    data: str
    even: int
    odd: int
    steps: int
    worlds: int


SETS = {
    "digits-balanced": Set("digits", 20, 20, 1500, 4),
    "digits-80-60": Set("digits", 80, 60, 1500, 4),
    "digits-80-40": Set("digits", 80, 40, 1500, 4),
    "digits-20": Set("digits", 80, 20, 1500, 4),
    "fashion-50": Set("fashion-mnist", 50, 50, 1500, 3),
    "fashion-100-75": Set("fashion-mnist", 100, 75, 1500, 3),
    "fashion-200-20": Set("fashion-mnist", 200, 20, 1500, 3),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plans")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    options = parser.parse_args(arguments)
    lines = []
    for name in options.sets:
        lines += list(_lines(name, SETS[name]))
        print(table(["images", "method", "real", *PLANS], lines[-len(METHODS) :]), flush=True)
    print(table(["images", "method", "real", *PLANS], lines))


def _lines(name: str, one: Set) -> Iterator[list[str]]:
    """Yield a line a method: its gain by every plan, the mean over worlds ± its standard error."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for seed in range(one.worlds):
        for key, score in world(one, seed).items():
            found[key].append(100 * score)
    real = found["real", ""]
    for method in METHODS:
        gains = [np.subtract(found[method, key], real) for key in PLANS]
        told = [f"{gain.mean():+.1f} ± {gain.std(ddof=1) / len(gain) ** 0.5:.1f}" for gain in gains]
        yield [name, method, f"{np.mean(real):.1f}", *told]


def world(one: Set, seed: int) -> dict[tuple[str, str], float]:
    """Return the balanced accuracy of real images alone, and of each method by each plan, 0–1."""
    whole, held_out = DATASETS[one.data](None, HELD_OUT[one.data], seed)
    real = first(whole, [one.odd if label % 2 else one.even for label in range(10)])
    trained = train(real, TrainParams(network="mlp", steps=one.steps, seed=seed), threads=1)
    found = {("real", ""): _score(real, None, held_out, seed)}
    known: dict[tuple[str, tuple[int, ...]], float] = {}
    for name, written in PLANS.items():
        counts = plan.wanted(Plan.model_validate(written), real.counts(), real.classes)
        for method in METHODS:
            same = method, tuple(counts.tolist())
            if same not in known:
                added = _made(method, real, counts, trained, seed)
                known[same] = _score(real, added, held_out, seed)
            found[method, name] = known[same]
    return found


def _made(
    method: str, real: Images, counts: NDArray[np.int64], trained: Trained, seed: int
) -> Images:
    if method != "gan":
        return BASELINES[method](real, counts, seed)
    return labelled(*draw(counts, trained), real.classes)


def _score(real: Images, added: Images | None, held_out: Images, seed: int) -> float:
    """Return the balanced accuracy on held-out images, the mean over classifiers."""
    made = of_images(real, *([] if added is None else [added]))
    params = EvaluateParams()
    judges = (classifier(name).judge for name in CLASSIFIERS)
    said = [judge(made, [held_out.pixels], params, seed)[0].argmax(axis=1) for judge in judges]
    return float(np.mean([_balanced_accuracy(held_out.labels, one) for one in said]))


def _balanced_accuracy(labels: NDArray[np.int64], said: NDArray[np.intp]) -> float:
    from sklearn.metrics import balanced_accuracy_score

    return float(balanced_accuracy_score(labels, said))


if __name__ == "__main__":
    script.run(main)
