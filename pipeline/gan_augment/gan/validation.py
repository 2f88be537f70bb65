"""Evaluation while training: how good the averaged generator's images are, on validation images.

Features come from a small network that is trained on the train split alone (or from Inception-v3,
if its weights are given), so the numbers compare within a dataset and not with published ones.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gan_augment.gan.history import Row
from gan_augment.gan.networks import Shape
from gan_augment.gan.sampling import logits, sample
from gan_augment.gan.start import gain_of
from gan_augment.metrics import features, fidelity
from gan_augment.metrics.cas import classification_accuracy_score, standard_error
from gan_augment.metrics.lift import Lift
from gan_augment.metrics.memorisation import near_copy_search
from gan_augment.params import Recipe
from gan_augment.seeding import seed_of
from gan_augment.sheet import contact_sheet
from gan_augment.subsample import subsample
from gan_augment.table import Images

MOST_IMAGES = 2000
MOST_REAL = 5000
"""Of a split: an SVM of pixels, which CAS is measured by, takes minutes for so many."""
CAS_IMAGES_A_CLASS = 100
SHEET_COLUMNS = 10

Score = TypeVar("Score")


class Validator:
    """Scores generators against the validation split.

    Metrics are never compared across sample counts: of each class there are as many generated
    images as validation images, and no more than there are training images, which set the floor.

    Attributes:
        floor: the scores of training images, a fair sample, the CAS of guessing (`chance`) and its
            standard error (`chance_error`), and the name of the feature network: numbers compare
            only under one name.
    """

    def __init__(
        self,
        train: Images,
        validation: Images,
        shape: Shape,
        params: Recipe,
        device: torch.device,
        scratch: Path,
        lift: Lift | None = None,
    ) -> None:
        """Train the feature network, or take the one that is kept in `scratch`.

        Of more than `MOST_REAL` images of a split it sees a fair sample, though near copies are
        looked for among all training images. `lift` measures what samples add to real ones; without
        it that is not known.
        """
        self._lift, everything = lift, train
        train, validation = (part.at_most(MOST_REAL, params.seed) for part in (train, validation))
        self._shape, self._params, self._validation = shape, params, validation
        most = max(MOST_IMAGES // shape.classes, 1)
        self._counts = np.minimum(np.minimum(train.counts(), validation.counts()), most)
        self._drawn = min(CAS_IMAGES_A_CLASS, most)
        self._labels = np.repeat(np.arange(shape.classes), self._counts)
        self._train, self._reference = (self._some(part) for part in (train, validation))
        self._network = _network(train, params, device, scratch)
        self._pixels = None if train.space else features.principal_components(train)
        groups = everything.labels if params.conditional else np.zeros_like(everything.labels)
        self._near_copies = _score(
            near_copy_search, self._reference, self._groups(), everything.pixels, groups
        )
        self.floor = {
            "features": self._network.name,
            "chance": 1 / shape.classes,
            "chance_error": standard_error(1 / shape.classes, validation),
            "cas": classification_accuracy_score(train, validation),
            **self._score_images(self._train),
        }

    def score(self, generator: nn.Module, discriminator: nn.Module, sheet: Path) -> Row:
        """Return the scores of a generator, and draw a sheet of its images into `sheet`.

        The images are none of those that are generated later: they are chosen by, so they flatter.
        A score that needs more images than there are is None; so is CAS without classes.
        """
        latent_dim, seed = self._shape.latent_dim, self._params.seed
        drawn = seed_of(seed, "validation")
        pixels = [
            sample(generator, latent_dim, label, range(max(count, self._drawn)), drawn)
            for label, count in enumerate(self._counts.tolist())
        ]
        sheet.parent.mkdir(parents=True, exist_ok=True)
        if not self._validation.space:
            bands = [images[:SHEET_COLUMNS] for images in pixels]
            names = self._validation.classes if self._params.conditional else ()
            contact_sheet(bands, SHEET_COLUMNS, names).save(sheet)
        same_counts = np.concatenate(
            [images[:count] for images, count in zip(pixels, self._counts, strict=True)]
        )
        cas = self._cas(pixels) if self._params.conditional else None
        gain = self._lift and gain_of(generator, latent_dim, self._lift, seed)
        near = self._near_copies and self._near_copies(same_counts, self._groups())
        return {
            "cas": cas,
            "cas_error": None if cas is None else standard_error(cas, self._validation),
            "lift": gain and gain.lift,
            "lift_error": gain and gain.error,
            **self._score_images(same_counts),
            "overfitting": self._overfitting(discriminator, same_counts),
            "near_copies": near.beyond if near else None,
        }

    def _cas(self, pixels: list[NDArray[Any]]) -> float:
        drawn = np.concatenate([images[: self._drawn] for images in pixels])
        labels = np.repeat(np.arange(self._shape.classes), self._drawn)
        classes = self._validation.classes
        real = self._validation
        synthetic = Images(drawn, labels, classes, real.rows.iloc[:0], real.space)
        return classification_accuracy_score(synthetic, real)

    def _score_images(self, pixels: NDArray[Any]) -> Row:
        real, made = self._network(self._reference), self._network(pixels)
        prdc = fidelity.precision_recall_density_coverage
        manifold = _score(prdc, real.values, made.values) or (None,) * 4
        return {
            "fid": _score(fidelity.frechet_distance, real.values, made.values),
            "kid": _score(fidelity.kernel_distance, real.values, made.values),
            "kid_pixels": self._pixels
            and _score(
                fidelity.kernel_distance,
                *(self._pixels(part).values for part in (self._reference, pixels)),
            ),
            "inception_score": None
            if made.probabilities is None
            else _score(fidelity.inception_score, made.probabilities),
            **dict(zip(fidelity.PRDC._fields, manifold, strict=True)),
            "diversity": _score(self._diversity, pixels),
        }

    def _diversity(self, pixels: NDArray[Any]) -> float:
        """Return how much images of one class vary, as a share of what real ones do.

        Raises:
            TooFewRowsError: no class has images enough.
        """
        real, made = (
            np.mean([*fidelity.intraclass_diversity(part, self._groups()).values()])
            for part in (self._train, pixels)
        )
        return float(made) / max(float(real), 1e-9)

    def _groups(self) -> NDArray[np.int64]:
        """Return the labels, or a single group where the generator knows none."""
        return self._labels if self._params.conditional else np.zeros_like(self._labels)

    def _overfitting(self, discriminator: nn.Module, pixels: NDArray[Any]) -> float:
        """Return (E D(train) − E D(validation)) / (E D(train) − E D(G(z))).

        0 if the discriminator takes unseen real images for real, 1 if for generated ones (Karras
        et al. 2020, section 3, r_v).
        """
        was_training = discriminator.training
        discriminator.eval()
        train, unseen, made = (
            logits(discriminator, images, self._labels).mean()
            for images in (self._train, self._reference, pixels)
        )
        discriminator.train(was_training)
        return float((train - unseen) / (train - made)) if train > made else 0.0

    def _some(self, images: Images) -> NDArray[Any]:
        """Return as many images of each class as are compared, class by class."""
        groups = images.rows.get("group")
        return images.pixels[subsample(images.labels, self._counts, self._params.seed, groups)]


def _network(
    train: Images, params: Recipe, device: torch.device, scratch: Path
) -> features.Extractor:
    """Return the feature network: the user's Inception, or one trained on the train split.

    Features of a backbone are measured by their principal components.

    What was trained is kept in `scratch`, so that a resumed run need not train it again.
    """
    if train.space:
        return features.principal_components(train)
    if params.inception_weights:
        return features.inception(params.inception_weights, device)
    return features.train_once(train, params.seed, scratch / "features.safetensors", device)


def _score(metric: Callable[..., Score], *rows: NDArray[Any]) -> Score | None:
    """Return a metric, or None where there are too few images for it to mean anything."""
    try:
        return metric(*rows)
    except fidelity.TooFewRowsError:
        return None
