"""How many steps does a network that judges need? Balanced accuracy against steps.

    python -m benchmarks.steps                      # three hours of one core; of `cnn` alone one
    python -m benchmarks.steps --classifiers cnn --seeds 1

Two sets of clothes, in which `mlp` is trained once for each seed. A network then learns from real
images, transformed ones, and each with as many synthetic images beside it as bring each class up to
the largest, or up to twice that where this adds few; for so many steps each. Scores are on images
that no training saw, in %; test images are not among them. Prints Markdown, a line a network and
training set, means over seeds. The images are in the folder that GAN_AUGMENT_DATASETS names.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from sklearn.metrics import balanced_accuracy_score

from benchmarks import script
from benchmarks.datasets import labelled
from benchmarks.experiment import draw, train
from benchmarks.recipes import SETS
from gan_augment.balance import filling
from gan_augment.evaluation.networks import NETWORKS, judge
from gan_augment.evaluation.training_set import TrainingSet, of_images
from gan_augment.markdown import table as markdown
from gan_augment.params import ClassicParams, TrainParams
from gan_augment.progress import progress
from gan_augment.table import Images

CLOTHES = [name for name in SETS if name.startswith("Fashion")]
STEPS = (500, 1000, 2000, 4000)
SEEDS = 2
CLASSIC = ClassicParams(flip=True)
IMAGES = ("real", "real, transformed", "real and synthetic", "both, transformed")
COLUMNS = ("set", "judge", "images", "steps", "score")


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    worlds = [(images, seed) for images in options.sets for seed in range(options.seeds)]
    rows: list[dict[str, Any]] = []
    total = len(worlds) * len(options.classifiers) * len(options.steps) * len(IMAGES)
    with progress("steps", total, "trainings") as advance:
        for images, seed in worlds:
            for row in _scores(images, seed, options):
                rows.append(row)
                advance(len(rows))
    print(_markdown(pd.DataFrame(rows), options.steps))


def _scores(images: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield a row a network, training set and number of steps: its balanced accuracy, 0–1."""
    known, unseen = SETS[images](seed)
    params = TrainParams(network="mlp", threads=1, seed=seed, steps=options.gan_steps)
    trained = train(known, params, threads=1)
    made = labelled(*draw(filling(known.counts()), trained), known.classes)
    for name in options.classifiers:
        for learnt_from, learnt in _training_sets(known, made).items():
            for steps in options.steps:
                (said,) = judge(NETWORKS[name], learnt, [unseen.pixels], steps, seed)
                score = balanced_accuracy_score(unseen.labels, said.argmax(axis=1))
                yield dict(zip(COLUMNS, (images, name, learnt_from, steps, score), strict=True))


def _training_sets(real: Images, synthetic: Images) -> dict[str, TrainingSet]:
    alone, beside = of_images(real), of_images(real, synthetic=synthetic)
    sets = alone, replace(alone, classic=CLASSIC), beside, replace(beside, classic=CLASSIC)
    return dict(zip(IMAGES, sets, strict=True))


def _markdown(rows: pd.DataFrame, steps: Sequence[int]) -> str:
    """Return a table: a line a set, network and training set, means over seeds."""
    each = rows.groupby(list(COLUMNS[:-1]), sort=False)["score"].mean().unstack()
    lines = [
        [*names, *(f"{100 * score:.1f}" for score in line[list(steps)])]
        for names, line in each.iterrows()
    ]
    return markdown([*COLUMNS[:3], *(f"{n:,} steps" for n in steps)], lines)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=CLOTHES, metavar="SET")
    parser.add_argument("--classifiers", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--steps", nargs="+", type=int, default=STEPS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--gan-steps", type=int, help="of the GAN, instead of the default")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    script.run(main)
