"""A trained classifier in use: images in, labels or probabilities out."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_augment import table
from gan_augment.classifier import model

if TYPE_CHECKING:
    from gan_augment.embed.backbones import Backbone

AT_ONCE = 64
"""Images that are in memory at the same time."""


class Classifier:
    """What the stage `classifier` trained; see `load_classifier`.

    Attributes:
        path: the folder that it was read from.
        classes: class names, in the order of probabilities.
        config: what else its config.json says: recipe, what the comparison measured, provenance.
    """

    def __init__(self, path: Path, weights: Path | None = None) -> None:
        """Read a classifier.

        Args:
            path: its folder.
            weights: the file with the weights of its backbone, where they came from one.

        Raises:
            UserError: there is none, or it is not whole.
        """
        self.path, self._weights = path, weights
        self.config, self._head = model.load(path)
        self.classes = self.config.classes
        self.stored = self.config.images
        """How images are stored before it sees them."""

    def __repr__(self) -> str:
        """Return judge, classes and what it sees."""
        seen = self.config.backbone.backbone if self.config.backbone else "pixels"
        return f"{self.config.judge} of {len(self.classes)} classes by {seen}: {self.path}"

    def predict(self, images: Sequence[Image.Image]) -> list[str]:
        """Return the name of each image's most probable class; as of `probabilities`."""
        return [self.classes[label] for label in self.probabilities(images).argmax(axis=1)]

    def probabilities(self, images: Sequence[Image.Image]) -> NDArray[np.float64]:
        """Return the probability of each class for each image, float64 N×C; rows add up to 1.

        Args:
            images: of any size and mode; they are brought to the size of the training images as
                those were, EXIF's orientation applied.

        Raises:
            UserError: an image of 16-bit grey where there was none in training, or that needs more
                bits than those; or the backbone cannot be had, or has other weights than the one
                that the classifier was trained with.
        """
        found = [self.of_pixels(pixels) for pixels in self._batches(images)]
        return np.concatenate([np.zeros((0, len(self.classes))), *found])

    def of_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the same of images that are stored as `stored` says, uint8 N×C×H×W."""
        if self._backbone is None:
            return self._head(pixels)
        return self._head(self._backbone([table.picture(image) for image in pixels]))

    def _batches(self, images: Sequence[Image.Image]) -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(images), AT_ONCE):
            batch = images[start : start + AT_ONCE]
            names = (f"image {start + number}" for number in range(len(batch)))
            yield np.stack([*map(self.stored.pixels, batch, names)])

    @cached_property
    def _backbone(self) -> "Backbone | None":
        if self.config.backbone is None:
            return None
        from gan_augment.embed.backbones import of_space

        return of_space(self.config.backbone, self._weights)
