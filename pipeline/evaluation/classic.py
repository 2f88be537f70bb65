"""Classic augmentation: small transforms that do not change what an image shows."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2

from pipeline.params import ClassicParams


def transform(params: ClassicParams) -> Callable[[Tensor], Tensor]:
    """Return a random transform of a uint8 image C×H×W; it draws from torch's global generator."""
    steps: list[torch.nn.Module] = [
        v2.RandomAffine(
            params.degrees,
            (params.translate, params.translate),
            (1 - params.scale, 1 + params.scale),
            interpolation=InterpolationMode.BILINEAR,
        )
    ]
    if params.flip:
        steps.append(v2.RandomHorizontalFlip())
    return v2.Compose(steps)


def transformed(pixels: NDArray[np.uint8], params: ClassicParams, seed: int) -> NDArray[np.uint8]:
    """Return a transformed copy of each image, uint8 N×C×H×W."""
    apply = transform(params)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        copies = [apply(image) for image in torch.from_numpy(pixels)]
    return np.stack([copy.numpy() for copy in copies])
