"""What the classifier learns from: an epoch of data/augmented, as the recipe says."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.classifier.judges import JUDGES
from gan_augment.evaluation import views
from gan_augment.evaluation.classifiers import classifier
from gan_augment.evaluation.training_set import (
    NO_IMAGE,
    Extent,
    TrainingSet,
    Views,
    copies_compared,
    of_images,
)
from gan_augment.params import ClassifierParams
from gan_augment.recipe import Recipe, of
from gan_augment.recipe.mixing import epoch, times
from gan_augment.seeding import rng
from gan_augment.table import Images


class Choice(NamedTuple):
    """Which judge is kept, and what to do for it.

    Attributes:
        judge: a key of `JUDGES`.
        recipe: what ships, with the settings that validation chose for that judge.
        measured: its balanced accuracy with that recipe on `validation` and `test`, 0–1; empty
            where it was not compared.
        notes: sentences on what is otherwise than in the comparison.
    """

    judge: str
    recipe: Recipe
    measured: Mapping[str, float]
    notes: tuple[str, ...]


def choose(params: ClassifierParams, verdict: Mapping[str, Any]) -> Choice:
    """Return the judge that does best on validation with the recipe that ships.

    Of those that can be kept as tensors, or the one that params name.

    Args:
        params: the section `classifier`.
        verdict: content of verdict.json beside data/augmented.

    Raises:
        UserError: the verdict is older than recipes.
    """
    recipe = of(verdict)
    compared = recipe.classifiers
    storable = [name for name in JUDGES if name in compared] or [next(iter(JUDGES))]
    judge: str = params.judge
    if judge == "auto":
        judge = max(storable, key=lambda name: compared.get(name, {}).get("validation", 0.0))
    if judge not in compared:
        without = [name for name in ("mix", "soft") if getattr(recipe, name)]
        told = f"{judge} was not compared: trained with the settings of {recipe.classifier}"
        return Choice(judge, recipe, {}, (told + "".join(f", without {w}" for w in without),))
    found = compared[judge]
    measured = {"validation": found["validation"], "test": found["score"]}
    recipe = of(verdict, recipe.arm, judge)
    return Choice(judge, recipe, measured, _better(judge, recipe, params.judge == "auto"))


def _better(judge: str, recipe: Recipe, auto: bool) -> tuple[str, ...]:
    """Tell of judges that do better with the recipe, and why none of them is kept."""
    reached = {name: found["validation"] for name, found in recipe.classifiers.items()}
    name = max(reached, key=lambda name: reached[name])
    if reached[name] <= reached[judge]:
        return ()
    cannot = "cannot be kept without code that a file would run"
    if classifier(name).in_steps:
        cannot = "is a network, and only a head on features or pixels is kept"
    why = cannot if auto else "was not asked for"
    scores = f"{100 * reached[name]:.1f} % to {100 * reached[judge]:.1f} %"
    return (f"on validation {name} does better with this recipe ({scores}), but {why}",)


def training_set(
    augmented: Path, recipe: Recipe, seed: int, weights_file: Path | None = None
) -> TrainingSet:
    """Return the rows that an epoch of the recipe has, of the train split alone.

    Args:
        augmented: the image table.
        recipe: how often rows are seen, how much they count, how images are transformed.
        seed: decides which rows come once more where the recipe has fractions.
        weights_file: the weights of the backbone, where they came from a file.

    Raises:
        UserError: the recipe wants a backbone to look at images, and it cannot be had.
    """
    rows = table.read(augmented, "train")
    synthetic = (rows.rows["origin"] == "synthetic").to_numpy(bool)
    planned = np.array([recipe.planned[name] for name in rows.classes], np.int64)
    often = times(rows.labels, synthetic, recipe.share, recipe.again, planned)
    seen = np.sort(epoch(often, rng(seed, "epoch"), rows.labels))
    weights = np.ones(len(rows))
    if recipe.weighted:
        weights = rows.rows["weight"].fillna(1.0).to_numpy(np.float64)
    if recipe.class_weights:
        weights *= np.array([recipe.class_weights[name] for name in rows.classes])[rows.labels]
    copies = copies_compared(int((~synthetic).sum()), int(planned.sum()))
    all_rows = of_images(rows)
    return replace(
        all_rows,
        pixels=all_rows.pixels[seen],
        labels=all_rows.labels[seen],
        real=int((~synthetic[seen]).sum()),
        weights=weights[seen],
        synthetic=synthetic[seen],
        shows=np.where(~_with_views(synthetic, recipe), NO_IMAGE, np.arange(len(rows)))[seen],
        classic=recipe.classic,
        views=_views(augmented, rows, recipe, seed, weights_file),
        extent=Extent(copies, len(seen) * (1 + copies * (recipe.classic is not None))),
    )


def _views(
    augmented: Path, rows: Images, recipe: Recipe, seed: int, weights_file: Path | None
) -> Views | None:
    """Return the views that the recipe asks for: of the real rows, which come first, or of all."""
    if rows.space is None or recipe.classic is None:
        return None
    synthetic = (rows.rows["origin"] == "synthetic").to_numpy(bool)
    count = int(_with_views(synthetic, recipe).sum())
    shown = table.table_hash(augmented, "train")
    looked = views.Look(augmented.resolve(), shown, rows.space, weights_file, recipe.classic, seed)
    return views.build(looked, count, recipe.copies or views.EACH, [recipe.classic.policy])


def _with_views(synthetic: NDArray[np.bool_], recipe: Recipe) -> NDArray[np.bool_]:
    """Return which rows are seen as transformed copies, too."""
    return ~synthetic | recipe.copies_of_all
