"""Do the gates earn their place? What images add that passed them, beside all images.

    python -m benchmarks.gates                # half an hour of one core
    python -m benchmarks.gates --seeds 1

The sets of `benchmarks.recipes`, in each of which `mlp` is trained once for each seed. Half of the
images that no training saw are the validation images by which gates are calibrated, the other half
judge: lift in points of balanced accuracy, mean over logistic regression, five neighbours and an
SVM, and over four draws. Test images are not among them. Prints Markdown: lift (share accepted).
The images are in the folder that GAN_AUGMENT_DATASETS names.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import script
from benchmarks.recipes import SEEDS, SETS
from gan_augment import spreadsheet, table
from gan_augment.gan import stage as gan
from gan_augment.markdown import table as markdown
from gan_augment.metrics.lift import Lift
from gan_augment.params import GenerateParams, TrainParams
from gan_augment.synthesis import stage as synthesis
from gan_augment.table import Images

GATES: dict[str, tuple[str, ...]] = {
    "none": (),
    "agreement": ("agreement",),
    "support": ("support",),
    "the default": ("agreement", "support", "copies", "repeats"),
    "the default and rejection": ("agreement", "support", "copies", "repeats", "rejection"),
}
DRAWS = 4


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gates")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--steps", type=int, help="of training, instead of the default")
    options = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    for images in options.sets:
        for seed in range(options.seeds):
            with TemporaryDirectory() as folder:
                rows += _lifts(images, seed, Path(folder), options.steps)
            print(_markdown(pd.DataFrame(rows)), flush=True)


def _lifts(images: str, seed: int, folder: Path, steps: int | None) -> Iterator[dict[str, Any]]:
    """Train once, and yield a row a choice of gates."""
    known, unseen = SETS[images](seed)
    validation, judges = (unseen.select(np.arange(k, len(unseen), 2)) for k in range(2))
    places = {name: folder / name for name in ("real", "model", "history", "scratch")}
    parts = {"train": known, "validation": validation}
    rows = [
        table.encode(one.pixels, one.labels, one.classes, split=split, origin="real")
        for split, one in parts.items()
    ]
    table.write(places["real"], rows, known.classes)
    gan.run(TrainParams(network="mlp", threads=1, seed=seed, steps=steps), places, places)
    lift = Lift(known, judges, seed)
    for name, gates in GATES.items():
        made = {key: folder / name / key for key in ("synthetic", "draws", "report", "scratch")}
        synthesis.run(GenerateParams(gates=gates, seed=seed), places, made, DRAWS)
        draws = [table.read(made["synthetic"]), *_by_seed(table.read(made["draws"]))]
        lifts = [lift(one.pixels, one.labels).lift for one in draws]
        passed = _accepted(made["report"] / "gates.csv") if gates else 1.0
        yield {"images": images, "gates": name, "lift": np.mean(lifts), "accepted": passed}


def _by_seed(drawn: Images) -> list[Images]:
    """Return the sets of a table of draws."""
    of_set = drawn.rows.groupby("seed").indices.values()
    return [drawn.select(rows) for rows in of_set]


def _accepted(file: Path) -> float:
    """Return the share of candidates that passed all gates."""
    of_all = spreadsheet.read(file).query("gate == 'all'")
    return float(of_all["accepted"].sum() / of_all["tried"].sum())


def _markdown(rows: pd.DataFrame) -> str:
    """Return a table: a line a choice of gates, means over seeds."""
    means = rows.groupby(["gates", "images"], sort=False)[["lift", "accepted"]].mean()
    sets = list(dict.fromkeys(rows["images"]))
    lines = [[name, *(_cell(means.loc[name, one]) for one in sets)] for name in GATES]
    return markdown(["gates", *sets], lines)


def _cell(mean: "pd.Series[float]") -> str:
    return f"{100 * mean['lift']:+.1f} ({100 * mean['accepted']:.0f} %)"


if __name__ == "__main__":
    script.run(main)
