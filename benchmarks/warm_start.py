"""Does a model trained on other classes help where there are few images?

    python -m benchmarks.warm_start                         # digits: some minutes
    python -m benchmarks.warm_start --dataset fashion-mnist

A model is trained on all images of the first five classes, once. Then, for each seed, 20 images of
each of the other five train one model from scratch and fine-tune that one, with the same settings
and steps. Scores are against held-out images of these five classes. Prints Markdown.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import script
from benchmarks.datasets import DATASETS, first, only
from benchmarks.experiment import draw, train
from benchmarks.judge import Judge
from benchmarks.losses import PER_CLASS
from gan_augment.params import TrainParams
from gan_augment.table import Images

FEW = 20
DRAWN = 100


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    settings = {"steps": options.steps, "threads": options.threads}
    images, _ = _split(options, 0, range(5), PER_CLASS[options.dataset])
    before = train(images, TrainParams(steps=options.before, threads=options.threads), 1).trainer
    scores: dict[str, list[dict[str, Any]]] = {"from scratch": [], "fine-tuned": []}
    for seed in range(options.seeds):
        few, held_out = _split(options, seed, range(5, 10), FEW)
        judge = Judge(few, held_out, seed=0)
        for name, start in zip(scores, (None, before), strict=True):
            trained = train(few, TrainParams(seed=seed, **settings), options.threads, start)
            scores[name].append(judge.score(*draw(np.full(5, DRAWN), trained)))
    print(_markdown(scores))


def _split(
    options: argparse.Namespace, seed: int, classes: range, per_class: int
) -> tuple[Images, Images]:
    """Return training images, at most so many of each class, and held-out ones of some classes."""
    train_images, held_out = DATASETS[options.dataset](
        options.data, PER_CLASS[options.dataset], seed
    )
    return first(only(train_images, classes), per_class), only(held_out, classes)


def _markdown(scores: dict[str, list[dict[str, Any]]]) -> str:
    lines = ["| | CAS | KID of pixels |", "|---|---:|---:|"]
    for name, rows in scores.items():
        cells = []
        for metric in ("cas", "kid_pixels"):
            values = np.array([row[metric] for row in rows])
            cells.append(f"{values.mean():.3f} ± {np.ptp(values) / 2:.3f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    pairs = zip(scores["fine-tuned"], scores["from scratch"], strict=True)
    leads = np.array([warm["cas"] - cold["cas"] for warm, cold in pairs])
    lines.append("")
    lines.append(
        f"Fine-tuned is ahead in {np.sum(leads > 0)} of {len(leads)} seeds, by {leads.mean():+.3f} "
        f"CAS on average ({leads.min():+.3f} to {leads.max():+.3f})."
    )
    return "\n".join(lines)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.warm_start")
    parser.add_argument("--dataset", choices=DATASETS, default="digits")
    parser.add_argument("--data", type=Path, help="folder with the training part of Fashion-MNIST")
    parser.add_argument("--before", type=int, default=2000, help="steps on the other classes")
    parser.add_argument("--steps", type=int, default=500, help="steps on the few images")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    script.run(main)
