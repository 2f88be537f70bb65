"""Real images, healthy generators, and copies planted among their images."""

import io
from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from gan_augment.metrics.memorisation import Sample
from gan_augment.table import picture

Pixels = NDArray[np.uint8]
SEEDS = st.integers(0, 2**32 - 1)


class World:
    """Real images split into train, held-out and, for a perfect generator, others."""

    def __init__(self, pixels: Pixels, labels: NDArray[np.int64], parts: list[int]) -> None:
        self.pca = PCA(40, random_state=0).fit(self._flat(pixels[: parts[0]]))
        ends = np.cumsum(parts)
        self.train, self.holdout, self.healthy = (
            self.sample(pixels[end - part : end], labels[end - part : end])
            for part, end in zip(parts, ends, strict=True)
        )

    def sample(self, pixels: Pixels, labels: NDArray[np.int64]) -> Sample:
        return Sample(pixels, labels, self.pca.transform(self._flat(pixels)))

    def planted(self, change: Callable[[Pixels], Pixels], n: int) -> Sample:
        """Return healthy images, the first n of which are changed training images."""
        pixels, labels = self.healthy.pixels.copy(), self.healthy.labels.copy()
        pixels[:n], labels[:n] = change(self.train.pixels[:n]), self.train.labels[:n]
        return self.sample(pixels, labels)

    @staticmethod
    def _flat(pixels: Pixels) -> NDArray[np.float64]:
        return pixels.reshape(len(pixels), -1) / 255.0


def digits_world(seed: int, parts: tuple[int, ...] = (900, 400, 400)) -> World:
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    pixels = (digits.images[order, None] / 16 * 255).round().astype(np.uint8)
    return World(pixels, digits.target[order].astype(np.int64), list(parts))


def unchanged(pixels: Pixels) -> Pixels:
    return pixels


def shifted(pixels: Pixels) -> Pixels:
    """Shift by a pixel down and left; what comes in is black."""
    moved = np.zeros_like(pixels)
    moved[:, :, 1:, :-1] = pixels[:, :, :-1, 1:]
    return moved


def recoded(pixels: Pixels, quality: int = 80) -> Pixels:
    copies = []
    for image in pixels:
        buffer = io.BytesIO()
        picture(image).save(buffer, "JPEG", quality=quality)
        copies.append(np.asarray(Image.open(buffer))[None])
    return np.stack(copies)


def brightened(pixels: Pixels) -> Pixels:
    return (pixels * 1.1 + 10).clip(0, 255).astype(np.uint8)


def all_at_once(pixels: Pixels) -> Pixels:
    return recoded(brightened(shifted(pixels)), 90)


COPIES = [unchanged, shifted, recoded, brightened, all_at_once]


def rows(seed: int, n: int = 60, features: int = 4) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, features))
