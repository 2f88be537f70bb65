"""Which loss, and which network? Each of them on small labelled sets, three seeds.

    python -m benchmarks.losses                    # two hours on two cores
    python -m benchmarks.losses --images 2000      # a minute: does everything run?

Every cell trains on the same number of images, one thread a cell, with what `null` in params stands
for otherwise. Scores are those of the averaged generator after the last step against held-out
images. Prints Markdown. Finished cells are kept in `.scratch/benchmarks/losses`, so a killed run
goes on; delete that folder to measure again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks import script
from benchmarks.datasets import DATASETS
from benchmarks.experiment import draw, train
from benchmarks.judge import Judge
from benchmarks.race import SCRATCH
from gan_augment.engine import fan_out
from gan_augment.gan.losses import LOSSES
from gan_augment.gan.networks import NETWORKS
from gan_augment.params import TrainParams

PER_CLASS = {"digits": 87, "fashion-mnist": 200}
IMAGES = {"digits": 64_000, "fashion-mnist": 24_000}
LOSS_SETTINGS: dict[str, dict[str, Any]] = {
    **{name: {"loss": name} for name in LOSSES},
    "wasserstein, clipped": {"loss": "wasserstein", "weight_clip": 0.01, "discriminator_steps": 5},
}
DEFAULT = "non-saturating"
OF_IMAGES = [name for name, network in NETWORKS.items() if network.images]
SCORES = ("cas", "kid", "fid", "seconds")


class Cell(NamedTuple):
    """One training run.

    Attributes:
        dataset: a key of `DATASETS`.
        network: one of `OF_IMAGES`.
        loss: a key of `LOSS_SETTINGS`.
        seed: of images, weights and batches.
        images: how many to train on, repeats counted.
        folder: of Fashion-MNIST.
    """

    dataset: str
    network: str
    loss: str
    seed: int
    images: int
    folder: Path | None


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    cells = [
        Cell(dataset, network, loss, seed, options.images or IMAGES[dataset], options.data)
        for dataset in options.datasets
        for network in options.networks
        for loss in options.losses
        for seed in range(options.seeds)
    ]
    rows = fan_out(_run, cells, "losses", "runs", finished=SCRATCH / "losses")
    table = pd.DataFrame(rows)
    for dataset in options.datasets:
        print(f"\n## {dataset}\n\n{_markdown(table[table['dataset'] == dataset])}")


def _run(cell: Cell) -> dict[str, Any]:
    """Train and score one cell."""
    images, held_out = DATASETS[cell.dataset](cell.folder, PER_CLASS[cell.dataset], cell.seed)
    judge = Judge(images, held_out, seed=0)
    batch_size = int(NETWORKS[cell.network].defaults["batch_size"])
    settings = LOSS_SETTINGS[cell.loss]
    turns = settings.get("discriminator_steps", 1)
    params = TrainParams(
        seed=cell.seed,
        network=cell.network,
        steps=max(cell.images // batch_size // turns, 1),
        threads=1,
        **settings,
    )
    trained = train(images, params, threads=1)
    scores = judge.score(*draw(np.full(len(images.classes), PER_CLASS[cell.dataset]), trained))
    real = judge.score_real(images, PER_CLASS[cell.dataset])
    return {
        **cell._asdict(),
        "folder": None,
        **scores,
        "seconds": trained.seconds,
        **{f"real_{name}": score for name, score in real.items()},
    }


def _markdown(table: pd.DataFrame) -> str:
    """Return a table of means over seeds, ± half their range, best CAS first."""
    cells = table.groupby(["network", "loss"])[list(SCORES)]
    mean, spread = cells.mean(), (cells.max() - cells.min()) / 2
    lines = [
        "| network | loss | CAS | KID ×10³ | FID | CPU seconds |",
        "|---|---|---:|---:|---:|---:|",
    ]
    real = table[["real_cas", "real_kid", "real_fid"]].mean()
    lines.append(
        f"| | *real images* | {real['real_cas']:.3f} | {1000 * real['real_kid']:.1f} "
        f"| {real['real_fid']:.2f} | |"
    )
    for network, loss in mean.sort_values("cas", ascending=False).index:
        m, s = mean.loc[(network, loss)], spread.loc[(network, loss)]
        name = f"**{loss}**" if loss == DEFAULT else loss
        lines.append(
            f"| {network} | {name} | {m['cas']:.3f} ± {s['cas']:.3f} "
            f"| {1000 * m['kid']:.1f} ± {1000 * s['kid']:.1f} "
            f"| {m['fid']:.2f} ± {s['fid']:.2f} | {m['seconds']:.0f} |"
        )
    return "\n".join(lines)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.losses")
    parser.add_argument("--data", type=Path, help="folder with the training part of Fashion-MNIST")
    parser.add_argument("--images", type=int, help="training images a run, repeats counted")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--losses", nargs="+", choices=LOSS_SETTINGS, default=list(LOSS_SETTINGS))
    parser.add_argument("--networks", nargs="+", choices=OF_IMAGES, default=OF_IMAGES)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    script.run(main)
