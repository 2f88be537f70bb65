"""Where arms get their images from, set by set: every repeat has synthetic images of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.evaluation.arms import Material
from gan_augment.evaluation.training_set import Views
from gan_augment.gan.model import Model
from gan_augment.params import EvaluateParams
from gan_augment.seeding import seed_of
from gan_augment.synthesis import draws
from gan_augment.table import Images

Sets = Callable[[int], Material]
"""A set's number → what arms are made of in it; can be pickled.

The repeats have the sets from 0 on, the trials of the tuning those after them.
"""


@dataclass(frozen=True)
class Raw:
    """Images of the generator that passed no gates.

    Attributes:
        trained: the generator.
        seed: which of its endless sequences.
        truncation: see `sampling.normal`.
    """

    trained: Model
    seed: int
    truncation: float | None = None

    def __call__(self, counts: NDArray[np.int64]) -> Images:
        """Return so many of each class, class by class; more of them begin with the same."""
        drawn = [
            self.trained.draw(label, range(count), self.seed, self.truncation)
            for label, count in enumerate(counts.tolist())
            if count
        ]
        labels = np.repeat(np.arange(len(counts)), counts)
        kind = np.float32 if self.trained.space else np.uint8
        nothing = np.zeros((0, *self.trained.shape.sample), kind)
        rows = pd.DataFrame(index=range(len(labels)))
        made = np.concatenate([nothing, *drawn])
        return Images(made, labels, self.trained.classes, rows, self.trained.space)


@dataclass(frozen=True)
class Drawn:
    """The sets of a run, read one at a time: a process holds the images of the repeat it is at.

    Attributes:
        real: the train split.
        trained: the generator.
        synthetic, draws: the image tables of set 0 and of the others.
        params: the section `evaluate`.
        views: where they are features, those of transformed real images, if arms need them.
    """

    real: Images
    trained: Model
    synthetic: Path
    draws: Path
    params: EvaluateParams
    views: Views | None = None
    _held: dict[int, Images] = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, number: int) -> Material:
        """Return what arms are made of in a set."""
        if number not in self._held:
            self._held.clear()
            self._held[number] = draws.read(self.synthetic, self.draws, number)
        synthetic = self._held[number]
        seed, truncation = seed_of(self.params.seed, "stand-in", number), _truncation(synthetic)
        raw = Raw(self.trained, seed, truncation)
        return Material(self.real, synthetic, raw, self.params.classic, self.views)

    def check(self) -> None:
        """Refuse what does not belong together.

        Raises:
            UserError: other classes, sizes or generators, or fewer sets than there are repeats.
        """
        made = self.trained.classes, self.trained.shape.sample, self.trained.space
        if made != (self.real.classes, self.real.pixels.shape[1:], self.real.space):
            raise UserError(
                "the generator was trained on other classes, sizes or features: "
                "run `dvc repro train`"
            )
        for path in (self.synthetic, self.draws):
            columns = table.Rows(table.shards(path)).columns(["generator"])
            if set(columns["generator"].to_pylist()) - {None, self.trained.hash}:
                raise UserError(f"{path} is of another generator: run `dvc repro generate`")
        draws.require(self.synthetic, self.draws, self.params.sets)


def _truncation(synthetic: Images) -> float | None:
    """Return the bound of the latents that the generator made images from; None is no bound."""
    bounds = synthetic.rows.get("truncation", pd.Series(dtype=float)).dropna()
    return float(bounds.iloc[0]) if len(bounds) else None
