"""What does a change of the recipe, or of the network, move? On three sets of small images.

    python -m benchmarks.recipes                              # some twenty hours of one core
    python -m benchmarks.recipes --only "as is" "mlp"
    python -m benchmarks.recipes --share 0.01 --seeds 1       # does everything run?
    python -m benchmarks.recipes --table                      # what is finished

Changes are to what `resnet` has where params are null, unless they name another network; each is
trained from two seeds. Scores are those of the averaged generator after the last step, on images
that no training saw; test images are not among them. CAS: balanced accuracy of an SVM that was
taught by 200 generated images a class. Lift: points of balanced accuracy that generated images add
to real ones, mean over logistic regression, five neighbours and an SVM. Minutes: of processor time,
training alone. Finished runs are kept in `.scratch/benchmarks/recipes`. The images are in the
folder that GAN_AUGMENT_DATASETS names. Prints Markdown: CAS / lift / minutes (seeds).
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks import script, studies
from benchmarks.datasets import fashion_mnist, first, labelled
from benchmarks.experiment import draw, train
from benchmarks.race import SCRATCH
from benchmarks.start import SCARCE, drawn, joined
from gan_augment import table
from gan_augment.engine import fan_out, kept
from gan_augment.gan.networks.resnet import GROWTH
from gan_augment.gan.networks.shape import pyramid
from gan_augment.gan.recipe import recipe
from gan_augment.gan.stage import shape_of
from gan_augment.ingest import stage as ingest
from gan_augment.markdown import table as markdown
from gan_augment.metrics.cas import classification_accuracy_score
from gan_augment.metrics.lift import Lift
from gan_augment.params import TrainParams
from gan_augment.storage import digest
from gan_augment.table import Images

FINISHED = SCRATCH / "recipes"
SEEDS = 2
MANY, FEW, UNSEEN = 200, 20, 500
TAUGHT = 200
"""Generated images of each class that teach the SVM of CAS."""
PHOTOGRAPH = 32
"""Pixels a side: the largest that no backbone looks at by default."""

CHANGES: dict[str, dict[str, Any]] = {
    "γ falls to a tenth": {"final_gamma": 0.1},
    "penalty every 8 steps": {"penalty_interval": 8},
    "classes evened out by half": {"balance": 0.5},
    "labels ramp in": {"label_ramp": (0.1, 0.4)},
    "ADA": {"augment": ("colour", "translation", "cutout")},
    "latents of 128": {"latent_dim": 128},
    "images of two generators": {"generators": 2},
}
"""What any network can be given."""
RECIPES: dict[str, dict[str, Any]] = {
    "as is": {},
    "as before: 2,500 batches of 64": {"steps": 0.5, "batch_size": 64},
    "batches of 8": {"batch_size": 8},
    "16 channels at full size": {"largest": 16},
    "8 channels at full size": {"largest": 8},
    "8 channels at full size, half elsewhere": {"width": 16, "largest": 8},
    "8 channels at full size, half the steps": {"largest": 8, "steps": 0.5},
    "the same, rate doubled, γ of 1": {
        "largest": 8,
        "steps": 0.5,
        "learning_rate": 0.0006,
        "gamma": 1.0,
    },
    "mlp": {"network": "mlp"},
    "mlp, 512 units": {"network": "mlp", "width": 512},
    "mlp, twice the steps": {"network": "mlp", "steps": 2},
    **{f"mlp, {name}": {"network": "mlp", **changes} for name, changes in CHANGES.items()},
    "dcgan": {"network": "dcgan"},
    **CHANGES,
}
"""Name → what it changes in the section `train`.

`steps` is a share of the default, `largest` the channels of the largest feature maps, `generators`
how many are trained, of which each makes its share of the images.
"""


class Run(NamedTuple):
    """One training: of a key of `SETS`, by one of `RECIPES`, for a share of its steps."""

    images: str
    recipe: str
    seed: int
    share: float


def clothes(seed: int) -> tuple[Images, Images]:
    """Return 200 images a class of Fashion-MNIST to train on, and 500 others."""
    train, unseen = fashion_mnist(None, UNSEEN, seed)
    return first(train, MANY), unseen


def scarce_clothes(seed: int) -> tuple[Images, Images]:
    """Return the same, with 20 to train on in every second class."""
    train, unseen = clothes(seed)
    place = np.arange(len(train.labels)) % MANY  # they come class by class
    kept = (train.labels % 2 == 0) | (place < FEW)
    return train.select(kept), unseen


def photographs(seed: int) -> tuple[Images, Images]:
    """Return TrashNet's photographs at 32 pixels, 40 in three classes, and those left over.

    None of them is a test image of the studies' first split.
    """
    params = studies.params("trash-64", {"ingest": {"scarcity": {}, "image_size": PHOTOGRAPH}})
    with TemporaryDirectory() as folder:
        real = Path(folder) / "real"
        ingest.run(params.ingest, {}, {"real": real})
        known = [table.read(real, split) for split in ("train", "validation")]
    both = joined(*known)
    return drawn(both, next(iter(SCARCE.values())), seed)


SETS = {
    "Fashion-MNIST, 200 a class": clothes,
    "Fashion-MNIST, 200/20": scarce_clothes,
    "TrashNet, 32 pixels, 40 in three classes": photographs,
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    runs = [
        Run(images, name, seed, options.share)
        for name in options.only
        for images in options.sets
        for seed in range(options.seeds)
    ]
    if options.table:
        read = kept.store(FINISHED).read
        found = [text for run in runs if (text := read(f"{digest(repr(run))}.json"))]
        rows = [json.loads(text) for text in found]
    else:
        rows = fan_out(_run, runs, "recipes", "runs", finished=FINISHED)
    print(_markdown(pd.DataFrame(rows)))


def _run(run: Run) -> dict[str, Any]:
    """Train, and score what came of it."""
    known, unseen = SETS[run.images](run.seed)
    changes = dict(RECIPES[run.recipe])
    seeds = (run.seed + 100 * n for n in range(changes.pop("generators", 1)))
    trained = [train(known, _params(run, changes, known, seed), threads=1) for seed in seeds]
    taught = labelled(*draw(np.full(len(known.classes), TAUGHT), *trained), known.classes)
    lift = Lift(known, unseen, run.seed)
    return {
        **run._asdict(),
        "cas": classification_accuracy_score(taught, unseen),
        "lift": lift(*draw(lift.extra, *trained)).lift,
        "minutes": sum(one.seconds for one in trained) / 60,
    }


def _params(run: Run, changes: dict[str, Any], known: Images, seed: int) -> TrainParams:
    changes, size = dict(changes), known.pixels.shape[2:]
    network = changes.pop("network", "resnet")
    default = recipe(TrainParams(network=network), size)
    steps = max(round(default.steps * changes.pop("steps", 1) * run.share), 2)
    if "largest" in changes:
        wide = default.model_copy(update={"width": changes.get("width", default.width)})
        widths, _ = pyramid(shape_of(known, wide), GROWTH, full_size=True)
        changes["width"] = (*widths[:-1], changes.pop("largest"))
    return TrainParams(network=network, threads=1, seed=seed, steps=steps, **changes)


def _markdown(rows: pd.DataFrame) -> str:
    """Return a table: a line a recipe, means over seeds and how many these are."""
    sets = list(dict.fromkeys(rows["images"]))
    each = rows.groupby(["recipe", "images"])
    lines = [
        [
            name,
            *(
                _cell(each.get_group((name, one))) if (name, one) in each.groups else "–"
                for one in sets
            ),
        ]
        for name in dict.fromkeys(rows["recipe"])
    ]
    return markdown(["recipe", *sets], lines)


def _cell(rows: pd.DataFrame) -> str:
    cas, lift, minutes = rows[["cas", "lift", "minutes"]].mean()
    return f"{100 * cas:.1f} / {100 * lift:+.1f} / {minutes:.1f} ({len(rows)})"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes")
    parser.add_argument("--only", nargs="+", choices=RECIPES, default=list(RECIPES), metavar="NAME")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--table", action="store_true", help="of what is finished")
    parser.add_argument("--share", type=float, default=1.0, help="of the steps")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    script.run(main)
