"""Views: transformed copies of real training images, as a backbone sees them.

Classic augmentation of features: images are transformed and looked at again, before anything is
trained, since that takes long. So there are some views of each image, the same in every repeat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_augment import table
from gan_augment.embed import backbones
from gan_augment.embed.backbones import AT_ONCE
from gan_augment.embed.kept import features
from gan_augment.evaluation.training_set import Extent, Views
from gan_augment.params import ClassicParams
from gan_augment.progress import progress
from gan_augment.seeding import seed_of
from gan_augment.table import FeatureSpace

POLICIES = ("affine", "gentle-affine", "trivial-augment")
"""What validation chooses from: few, since each looks at all images again."""
EACH = 2
"""Views of an image by a policy, at most."""


class View(NamedTuple):
    """A view of images `start` to `stop` by a policy, the `number`-th."""

    policy: str
    number: int
    start: int
    stop: int

    @property
    def name(self) -> str:
        """What its features are called, until all are done."""
        return f"{self.policy}-{self.number}-{self.start:06d}"


@dataclass(frozen=True)
class Look:
    """What all views have in common: the table, whose features, and what may be done to images.

    `shown` is the hash of the table's train split: another table may have been there before.
    """

    images: Path
    shown: str
    space: FeatureSpace
    weights: Path | None
    classic: ClassicParams
    seed: int

    def __call__(self, view: View) -> NDArray[np.float32]:
        """Return the features of a view."""
        params = backbones.params_of(self.space, self.weights)
        return backbones.look(params, self.space.backbone, self._transformed(view))

    def _transformed(self, view: View) -> list[Image.Image]:
        from gan_augment.evaluation.classic import transformed

        rows = _rows(self.images, self.shown)
        pixels = np.stack([table.from_png(rows.png(n)) for n in range(view.start, view.stop)])
        classic = self.classic.model_copy(update={"policy": view.policy})
        seed = seed_of(self.seed, "view", *view)
        return [table.picture(image) for image in transformed(pixels, classic, seed)]


def each(extent: Extent) -> int:
    """Return the number of views by a policy of each image in a comparison."""
    return min(EACH, extent.copies)


def build(
    looked: Look, count: int, number: int, policies: Sequence[str], folder: Path | None = None
) -> Views:
    """Return what a backbone sees in transformed copies of the first training images of a table.

    Computed on all cores; killed and started again it goes on where it was.

    Args:
        looked: what is looked at, and how.
        count: images of the train split, which come first in it.
        number: views of each by a policy.
        policies: keys of `classic.POLICIES`.
        folder: where finished views are kept; None keeps none.

    Raises:
        UserError: the backbone cannot be had, or has other weights now.
    """
    backbones.of_space(looked.space, looked.weights)  # refused here, before any worker starts
    width = looked.space.width
    views = {policy: np.zeros((number, count, width), np.float32) for policy in policies}
    blocks = [
        View(policy, again, start, min(start + AT_ONCE, count))
        for policy in policies
        for again in range(number)
        for start in range(0, count, AT_ONCE)
    ]
    print(
        f"{number * len(policies)} transformed copies of {count} training images "
        f"({', '.join(policies)}) through {looked.space.backbone}",
        flush=True,
    )
    seen = 0
    with progress("embed copies", count * number * len(policies), "images") as advance:
        made = features(looked, {block.name: block for block in blocks}, folder)
        for block, found in zip(blocks, made, strict=True):
            views[block.policy][block.number, block.start : block.stop] = found
            seen += len(found)
            advance(seen)
    return views


@lru_cache(maxsize=1)
def _rows(images: Path, _: str) -> table.Rows:
    """Return the training rows as a process knows them, which show this."""
    return table.Rows(table.shards(images, "train"))
