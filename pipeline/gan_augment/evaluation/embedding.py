"""Images and their features: which of them classifiers see, where there is a backbone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.embed import backbones
from gan_augment.evaluation.classifiers import Classifier
from gan_augment.evaluation.training_set import NO_IMAGE, Pretrained, TrainingSet, Views
from gan_augment.params import ClassicParams
from gan_augment.seeding import seed_of
from gan_augment.table import FeatureSpace, Images

MOST_HELD = 50_000
"""Images whose features a process holds; of 1,280 each, a quarter of a gigabyte."""

Pixels = NDArray[np.uint8]
Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Embedder:
    """A backbone that looks once at each image, and not at all at those it knows.

    Attributes:
        space: whose features.
        weights: the file with its weights, where they came from one.
        ids: hashes of the pixels of images that it knows.
        features: theirs, float32 N×F.
        views: what it sees in transformed real training images, if arms transform any.
        copies: transformed copies of an image that estimators see.
        seed: of the transforms of all other images.
    """

    space: FeatureSpace
    weights: Path | None
    ids: NDArray[np.str_]
    features: Features
    views: Views | None
    copies: int
    seed: int
    _held: dict[str, Features] = field(default_factory=dict, repr=False)

    def knowing(self, _: str, seen: Images) -> "Embedder":
        """Return one that knows the features of another split, too."""
        ids = np.concatenate([self.ids, seen.rows["id"].to_numpy(np.str_)])
        features = np.concatenate([self.features, seen.pixels])
        return replace(self, ids=ids, features=features, _held=dict[str, Features]())

    def __call__(self, pixels: Pixels) -> Features:
        """Return the features of images, uint8 N×C×H×W: float32 N×F."""
        names = _names(pixels)
        images = dict(zip(names, pixels, strict=True))
        found = self._found(images, lambda missing: [images[name] for name in missing])
        return self._stacked(found[name] for name in names)

    def shown(
        self, judge: Classifier, made: TrainingSet, targets: Mapping[str, Images]
    ) -> tuple[TrainingSet, dict[str, NDArray[Any]]]:
        """Return what a classifier learns from and what it scores, as it sees them.

        Estimators see features, and networks the images.
        """
        samples = {split: images.pixels for split, images in targets.items()}
        if judge.in_steps:
            return replace(made, pretrained=Pretrained(self.space, self.weights)), samples
        return self.training_set(made), {name: self(pixels) for name, pixels in samples.items()}

    def training_set(self, made: TrainingSet) -> TrainingSet:
        """Return a training set of images as one of features, the same one for the same one.

        If images are transformed, every row shows an image, and there are views of all of them:
        those of a real image are the same in every repeat, and those of another depend on its
        pixels alone.
        """
        return _embedded(self, made)

    def views_of(self, made: TrainingSet, classic: ClassicParams) -> Features:
        """Return what is seen in transformed copies of the rows, float32 K×N×F."""
        real = made.shows != NO_IMAGE
        known = self.views[classic.policy] if self.views else None
        rest = np.flatnonzero(~real)
        seen = np.zeros((self.copies, len(made.labels), self.space.width), np.float32)
        for number in range(self.copies):
            if known is not None:
                seen[number, real] = known[number][made.shows[real]]
            seen[number, rest] = self._copied(made.pixels[rest], classic, number)
        return seen

    def _copied(self, pixels: Pixels, classic: ClassicParams, number: int) -> Features:
        """Return what is seen in the `number`-th transformed copy of each image, N×F."""
        from gan_augment.evaluation.classic import transformed

        names = [f"{name} {classic.policy} {number}" for name in _names(pixels)]
        images = dict(zip(names, pixels, strict=True))

        def copies(missing: Sequence[str]) -> list[Pixels]:
            each = ((images[name][None], seed_of(self.seed, "copy", name)) for name in missing)
            return [transformed(image, classic, seed)[0] for image, seed in each]

        found = self._found(images, copies)
        return self._stacked(found[name] for name in names)

    def _found(
        self, names: Iterable[str], images: Callable[[Sequence[str]], list[Pixels]]
    ) -> dict[str, Features]:
        """Return the features of each name, F; `images` gives those to look at."""
        known = _rows(self)
        found = {name: self.features[known[name]] for name in names if name in known}
        found |= {name: self._held[name] for name in names if name in self._held}
        missing = [name for name in names if name not in found]
        if not missing:
            return found
        params = backbones.params_of(self.space, self.weights)
        pictures = [table.picture(image) for image in images(missing)]
        seen = dict(
            zip(missing, backbones.look(params, self.space.backbone, pictures), strict=True)
        )
        if len(self._held) + len(seen) > MOST_HELD:
            self._held.clear()
        self._held.update(seen)
        return found | seen

    def _stacked(self, found: Iterable[Features]) -> Features:
        return np.array([*found], np.float32).reshape(-1, self.space.width)


@dataclass(frozen=True, eq=False)
class Pictures:
    """The images whose features arms are made of, for a classifier that learns from images.

    Attributes:
        pretrained: whose features, of which weights.
        images: of each split, uint8 N×C×H×W.
    """

    pretrained: Pretrained
    images: Mapping[str, Pixels]

    @property
    def space(self) -> FeatureSpace:
        """Whose features."""
        return self.pretrained.space

    def knowing(self, split: str, images: Images) -> "Pictures":
        """Return one with the images of another split, too."""
        return replace(self, images={**self.images, split: images.pixels})

    def shown(
        self, judge: Classifier, made: TrainingSet, targets: Mapping[str, Images]
    ) -> tuple[TrainingSet, dict[str, NDArray[Any]]]:
        """Return what a classifier learns from and what it scores, as it sees them.

        A network sees the real images that rows show, and does not score what has no image.
        """
        if not judge.in_steps:
            return made, {split: images.pixels for split, images in targets.items()}
        pixels = self.images["train"][made.shows]
        shown = replace(made, pixels=pixels, views=None, pretrained=self.pretrained)
        return shown, {split: self.images[split] for split in targets if split in self.images}


@lru_cache(maxsize=1)
def _rows(embedder: Embedder) -> dict[str, int]:
    """Return which row of its features is whose."""
    return {name: row for row, name in enumerate(embedder.ids.tolist())}


@lru_cache(maxsize=4)
def _embedded(embedder: Embedder, made: TrainingSet) -> TrainingSet:
    seen = replace(made, pixels=embedder(made.pixels))
    if made.classic is None:
        return seen
    copies = embedder.views_of(made, made.classic)
    return replace(seen, views={made.classic.policy: copies}, shows=np.arange(len(made.labels)))


def _names(pixels: Pixels) -> list[str]:
    return [table.pixel_hash(image) for image in pixels]
