"""Rows of an image table for torch: a `Dataset`, and a sampler that mixes real and synthetic."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from gan_augment.errors import UserError
from gan_augment.recipe.mixing import checked, epoch, times

if TYPE_CHECKING:
    from gan_augment.data.loading import Data
    from gan_augment.recipe import Recipe


class TorchDataset(Dataset[tuple[Any, ...]]):
    """Pairs of image and label; see `Data.torch`.

    Attributes:
        classes: class names, in index order.
        labels: int64 N.
    """

    def __init__(
        self,
        data: "Data",
        transform: Callable[[Image.Image], Any] | None = None,
        *,
        soft: bool = False,
        weighted: bool = False,
    ) -> None:
        self.data, self.transform = data, transform
        self.classes = data.classes
        self.labels = torch.tensor(data.labels)
        self._soft, self._weighted = soft, weighted

    @cached_property
    def weights(self) -> Tensor:
        """How sure the gates' classifiers are of each label, float32 N; 1 for real rows."""
        return torch.tensor(self.data.weights, dtype=torch.float32)

    @cached_property
    def soft_labels(self) -> Tensor:
        """What they think of every class, float32 N×K; 1 for the label of rows without."""
        return torch.tensor(self.data.soft_labels, dtype=torch.float32)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, row: int) -> tuple[Any, ...]:
        image = self._sample(row)
        label = self.soft_labels[row] if self._soft else int(self.labels[row])
        return (image, label, self.weights[row]) if self._weighted else (image, label)

    def _sample(self, row: int) -> Any:
        if self.transform is not None:
            return self.transform(self.data.image(row))
        if self.data.space is not None:
            return torch.from_numpy(self.data.features[row])
        return _scaled(self.data.pixels(row))

    def sampler(
        self,
        share: float | Literal["verdict"] = "verdict",
        *,
        fill: bool = False,
        arm: str | None = None,
        classifier: str | None = None,
        seed: int = 0,
    ) -> "MixingSampler":
        """Return a sampler for `DataLoader` that mixes real and synthetic rows.

        >>> from gan_augment import load
        >>> dataset = load("data/augmented").torch()
        >>> dataset.sampler()  # what the recipe says
        each synthetic row 0.5 times, 660 rows an epoch
        >>> dataset.sampler(share=0)  # real rows alone
        each synthetic row 0 times, 635 rows an epoch

        Args:
            share: how often each synthetic row is seen in an epoch, while a real one is seen once:
                0 leaves them out, 1 takes all alike. `verdict` is what the recipe says.
            fill: real rows come again where synthetic ones of their class are left out. The recipe
                decides that itself.
            arm: whose recipe, such as `gan+classic`, which is for images that are transformed; by
                default that of what the table ships.
            classifier: for which of the verdict's classifiers; by default the one that does best on
                validation with it.
            seed: another gives another order.

        Raises:
            UserError: share or seed is no number of 0 or more, or the share is `verdict` where
                there is none or not for that arm or classifier, or the arm is for synthetic images
                that the table does not ship.
        """
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise UserError(f"seed = {seed!r}: should be a whole number of 0 or more")
        if share == "verdict":
            found = self._recipe(arm, classifier)
            share, again = found.share, found.again
            planned = np.array([found.planned[name] for name in self.classes], np.int64)
        else:
            share, planned = checked(share), None
            again = max(1 - share, 0.0) if fill else 0.0
        seen = times(self.data.labels, self.data.synthetic, share, again, planned)
        return MixingSampler(seen, share, seed)

    def _recipe(self, arm: str | None, classifier: str | None) -> "Recipe":
        """Return a recipe for the synthetic rows that the table ships, if it is for any."""
        found, shipped = self.data.recipe_of(arm, classifier), self.data.recipe.methods
        if found.methods and set(found.methods) != set(shipped):
            needed = " and ".join(found.methods)
            there = f"those by {' and '.join(shipped)}" if shipped else "none"
            raise UserError(
                f"arm = {found.arm!r}: it is for synthetic images by {needed}, and the table ships "
                f"{there}: name an arm that fits, or a share"
            )
        return found


class MixingSampler(Sampler[int]):
    """Gives each row as often as it should be seen, in a new order every epoch; see `epoch`.

    Attributes:
        times: float64 N, how often each row is seen in an epoch, in the mean.
        share: how often a synthetic one is.
        epoch: how many epochs were begun; with the seed it says what the next one is.
    """

    def __init__(self, times: NDArray[np.float64], share: float, seed: int = 0) -> None:
        self.times, self.share, self.seed, self.epoch = times, share, seed, 0

    def __len__(self) -> int:
        return round(float(self.times.sum()))

    def __repr__(self) -> str:
        return f"each synthetic row {self.share:g} times, {len(self)} rows an epoch"

    def __iter__(self) -> Iterator[int]:
        draw = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        yield from epoch(self.times, draw).tolist()


def _scaled(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pixels.astype(np.float32) / 255)
