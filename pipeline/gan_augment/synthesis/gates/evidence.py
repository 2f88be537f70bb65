"""What gates judge by: real images, the trained GAN, and classifiers of the gates' own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gan_augment.gan.model import Model
from gan_augment.metrics.features import PrincipalComponents, principal_components
from gan_augment.metrics.memorisation import Nearest, nearest_of_class
from gan_augment.synthesis.gates.ensemble import Ensemble, Seen, calibrated_ensemble
from gan_augment.synthesis.gates.second import SecondBackbone
from gan_augment.table import Images

Pixels = NDArray[np.uint8]
Scores = NDArray[np.float64]
Passed = NDArray[np.bool_]

LEAST_FOR_A_CLASS = 20
"""A threshold of a class needs so many validation images of it; else it is that of all classes."""


@dataclass(frozen=True)
class Candidates:
    """Images of one class, and what the gates see in them.

    Attributes:
        label: the class asked for.
        seed: what they were drawn with: each set of draws has its own.
        indices: int64 N, which images of the generator's endless sequence.
        pixels: uint8, N×C×H×W.
        seen: features and class probabilities by the ensemble.
        codes: float64, N×F, principal components of the pixels.
        nearest: the closest training images of the class by `codes`.
    """

    label: int
    seed: int
    indices: NDArray[np.int64]
    pixels: Pixels
    seen: Seen
    codes: Scores
    nearest: Nearest

    def __len__(self) -> int:
        return len(self.indices)


Judge = Callable[[Candidates, Passed], tuple[Scores, Passed]]
"""(candidates, which of them passed so far) → scores N, and which pass this gate, N."""


@dataclass(frozen=True)
class Evidence:
    """What gates are fitted to; classifiers learn from `train`, thresholds from `validation`.

    Attributes:
        train, validation: real images.
        trained: the generator and its discriminator.
        keep_real: the share of validation images that `agreement` and `support` let through.
        seed: of all that is random.
        scratch: where the trained classifiers are kept for a resumed run.
        second: the backbone through which classifiers see images, if one is at hand that does not
            judge.
        truncation: of the images that will be judged, see `sampling.normal`.
    """

    train: Images
    validation: Images
    trained: Model
    keep_real: float
    seed: int
    scratch: Path
    second: SecondBackbone | None = None
    truncation: float | None = None

    @cached_property
    def ensemble(self) -> Ensemble:
        """The gates' own classifiers."""
        parts = self.train, self.validation
        return calibrated_ensemble(*parts, self.seed, self.scratch, self.second)

    @cached_property
    def components(self) -> PrincipalComponents:
        """Principal components of the training images."""
        return principal_components(self.train)

    @cached_property
    def train_codes(self) -> Scores:
        """The training images by their principal components."""
        return self.components(self.train.pixels).values

    @cached_property
    def real(self) -> Seen:
        """The validation images as the ensemble sees them."""
        return self.ensemble(self.validation.pixels)

    @property
    def comparable(self) -> Passed:
        """Which classes have two training images, K: how near is near needs the second."""
        return self.train.counts() > 1

    def fit(self) -> None:
        """Make now what is else made when it is first asked for."""
        _ = self.ensemble, self.train_codes

    def candidates(
        self, label: int, seed: int, indices: NDArray[np.int64], pixels: Pixels
    ) -> Candidates:
        """Look at images of a class."""
        codes = self.components(pixels).values
        return Candidates(
            label,
            seed,
            indices,
            pixels,
            self.ensemble(pixels),
            codes,
            self.nearest(codes, np.full(len(codes), label)),
        )

    def nearest(self, codes: Scores, labels: NDArray[np.int64]) -> Nearest:
        """Return the closest training image of the class of each."""
        return nearest_of_class(codes, labels, self.train_codes, self.train.labels)

    def by_class(self, scores: Scores, share: float) -> Scores:
        """Return the quantile of validation images' scores by class, float64 K.

        A class with fewer than `LEAST_FOR_A_CLASS` gets the quantile over all classes. Scores that
        are NaN are left out; if all are, so are the quantiles.
        """
        known = ~np.isnan(scores)
        labels, scores = self.validation.labels[known], scores[known]
        counts = np.bincount(labels, minlength=len(self.validation.classes))
        overall = np.quantile(scores, share) if len(scores) else np.nan
        return np.array(
            [
                np.quantile(scores[labels == label], share) if n >= LEAST_FOR_A_CLASS else overall
                for label, n in enumerate(counts)
            ]
        )
