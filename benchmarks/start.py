"""What should a generator of features start from? Lifts on validation images of TrashNet.

    python -m benchmarks.start

40 images in three of six classes, drawn three times; then in the three others. All images that are
neither drawn nor test images are for validation. Gaussians of each kind that `gan.start` knows, and
the methods without a GAN, each add what brings the scarce classes up to the largest. The images are
in the folder that GAN_AUGMENT_DATASETS names. Prints Markdown: points of balanced accuracy, mean
over logistic regression, five neighbours and an SVM.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks import script, studies
from gan_augment import table
from gan_augment.embed import stage as embed
from gan_augment.gan import start
from gan_augment.gan.recipe import recipe
from gan_augment.gan.stage import shape_of
from gan_augment.ingest import stage as ingest
from gan_augment.markdown import table as markdown
from gan_augment.metrics.lift import Lift
from gan_augment.seeding import rng
from gan_augment.synthesis.baselines import BASELINES
from gan_augment.table import Images

DRAWS, FEW = 3, 40
SCARCE = {
    "40 in cardboard, metal, trash": (0, 2, 5),
    "40 in glass, paper, plastic": (1, 3, 4),
}
SIMPLE = ("smote", "gmm", "gaussian")


def main() -> None:
    with TemporaryDirectory() as folder:
        known = _features(Path(folder))
    lifts = [
        {"set": title, **row}
        for title, scarce in SCARCE.items()
        for draw in range(DRAWS)
        for row in _lifts(*drawn(known, scarce, draw), draw)
    ]
    means = pd.DataFrame(lifts).groupby(["method", "set"], sort=False)["lift"].mean().unstack()
    rows = [[method, *(f"{100 * lift:+.1f}" for lift in line)] for method, line in means.iterrows()]
    print(markdown(["added", *means.columns], rows))


def _features(folder: Path) -> Images:
    """Return the features of all images that the study's first split does not test."""
    params = studies.params("trash-40", {"ingest": {"scarcity": {}}})
    inputs = {"real": folder / "real", "features": folder / "features"}
    ingest.run(params.ingest, {}, {"real": inputs["real"], "report": folder / "report"})
    outputs = {"features": inputs["features"], "scratch": folder / "scratch"}
    embed.run(params.embed, {"real": inputs["real"]}, outputs)
    samples = table.samples(inputs)
    parts = [table.read(samples, split) for split in ("train", "validation")]
    return joined(*parts)


def joined(images: Images, more: Images) -> Images:
    """Return all images, and all of `more` after them, without what else is known of them."""
    pixels = np.concatenate([images.pixels, more.pixels])
    labels = np.append(images.labels, more.labels)
    bare = pd.DataFrame(index=range(len(labels)))
    return Images(pixels, labels, images.classes, bare, images.space)


def drawn(known: Images, scarce: tuple[int, ...], draw: int) -> tuple[Images, Images]:
    """Return training images, few of some classes and three in four of the others; and the rest."""
    shuffled, kept = rng(draw, "draw").permutation(len(known)), []
    for label in range(len(known.classes)):
        own = shuffled[known.labels[shuffled] == label]
        kept.append(own[: FEW if label in scarce else 3 * len(own) // 4])
    train = np.sort(np.concatenate(kept))
    return known.select(train), known.select(np.setdiff1d(shuffled, train))


def _lifts(train: Images, validation: Images, draw: int) -> Iterator[dict[str, object]]:
    lift = Lift(train, validation, draw)
    for method in SIMPLE:
        draws = [BASELINES[method](train, lift.extra, seed) for seed in range(start.DRAWS)]
        found = [lift(made.pixels, made.labels).lift for made in draws]
        yield {"method": method, "lift": np.mean(found)}
    params = studies.params("trash-40").train.model_copy(update={"network": start.GAUSSIAN})
    shape = partial(shape_of, train, recipe(params, ()))
    for row in start.candidates(train, lift, shape, draw):
        yield {"method": f"{row['codes']} codes, {row['covariance']}", "lift": row["lift"]}


if __name__ == "__main__":
    script.run(main)
