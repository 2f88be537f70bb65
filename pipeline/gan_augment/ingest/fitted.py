"""What it cost images to be brought to one size: cut away, bordered or stretched, and how much."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gan_augment.ingest.sizes import Size, kept

MUCH = 0.1
"""Share of the pixels that are cut away, or of images that are stretched far, to warn of."""
FAR = 1.5
"""Change of proportions from which on an image is stretched far."""
_COSTS = {"crop": "cut", "pad": "border", "stretch": "stretched"}


@dataclass(frozen=True)
class Fitted:
    """How images were brought to one size.

    Attributes:
        fit: crop, pad or stretch.
        before: height and width of each image, int, N×2.
        stored: height and width of all of them now.
    """

    fit: str
    before: NDArray[np.int32]
    stored: Size

    @cached_property
    def cost(self) -> NDArray[np.float64]:
        """What it cost each image, float64, N.

        Cropped, the share of its pixels that was cut away; padded, the share of what is stored that
        is border; stretched, the factor by which its proportions changed, 1 or more.
        """
        left = kept(self.before, self.stored)
        return 1 / left if self.fit == "stretch" else 1 - left

    def table(self) -> pd.DataFrame:
        """Return the sizes, the most frequent first, each with its number of images and the cost.

        Columns are width, height, images, and cut, border or stretched: see `cost`.
        """
        sizes, first, images = np.unique(
            self.before[:, ::-1], axis=0, return_index=True, return_counts=True
        )
        found = pd.DataFrame(sizes, columns=["width", "height"])
        found = found.assign(**{"images": images, _COSTS[self.fit]: self.cost[first]})
        return found.sort_values("images", ascending=False, kind="stable")

    def in_words(self) -> Iterator[str]:
        """Say what was done, if anything was."""
        if (self.before == self.stored).all():
            return
        mean, most = self.cost.mean(), self.cost.max()
        height, width = self.stored
        done = {
            "crop": f"cropped: {mean:.1%} of the pixels cut away, of one image {most:.1%}",
            "pad": f"padded: {mean:.1%} of what is stored is border, of one image {most:.1%}",
            "stretch": f"whole, proportions changed {most:.2f} times at most",
        }[self.fit]
        yield f"resized from {self._range()} to {width}×{height} pixels, {done}"

    def doubts(self) -> Iterator[str]:
        """Warn of much that was cut away, and of proportions that changed much."""
        if self.fit == "crop" and (lost := self.cost.mean()) >= MUCH:
            yield (
                f"{lost:.1%} of the pixels were cut away to bring the images to one size, with "
                "all that they showed: ingest.fit: stretch or pad keeps them"
            )
        if self.fit == "stretch" and (far := (self.cost > FAR).mean()) >= MUCH:
            yield (
                f"{far:.0%} of the images were stretched more than {FAR:g} times to bring them to "
                "one size: if proportions tell classes apart, set ingest.fit: pad"
            )

    def _range(self) -> str:
        areas = self.before.prod(axis=1, dtype=np.int64)
        sizes = (self.before[at] for at in (areas.argmin(), areas.argmax()))
        least, most = (f"{width}×{height}" for height, width in sizes)
        return least if (self.before == self.before[0]).all() else f"{least} … {most}"
