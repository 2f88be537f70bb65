"""Classic augmentation: transforms of whole batches that do not change what an image shows.

Every image of a batch gets an affine map of its own; RandAugment and TrivialAugment, which
torchvision applies with one draw a call, get one for every eight images. That is several times as
fast as image by image (`benchmarks/evaluate.py`). All draw from torch's global generator.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from gan_augment.errors import choose
from gan_augment.params import ClassicParams
from gan_augment.recipe.transforms import (
    ERASED_AREA,
    ERASED_ASPECT,
    MAGNITUDE,
    MAGNITUDES,
    OPERATIONS,
)

GROUP = 8
CHUNK = 256


def affine(batch: Tensor, params: ClassicParams, strength: float = 1.0) -> Tensor:
    """Turn, shift, scale and perhaps mirror each image, within the bounds of params × strength.

    Args:
        batch: uint8 N×C×H×W; what comes in from outside is black.
        params: the bounds.
        strength: their factor.
    """
    n, _, height, width = batch.shape
    turn, x, y, size = (torch.rand(4, n) * 2 - 1) * strength
    angle = torch.deg2rad(turn * params.degrees)
    zoom = 1 / (1 + size * params.scale).clamp(min=0.1)
    mirror = torch.where(torch.rand(n) < (0.5 if params.flip else 0.0), -1.0, 1.0)
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    # From places in the result to places in the image, in units of half its height and width.
    rows = [
        torch.stack([cos * mirror, -sin * height / width, 2 * params.translate * x], 1),
        torch.stack([sin * width / height * mirror, cos, 2 * params.translate * y], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(batch.shape), align_corners=False)
    moved = F.grid_sample(batch.float(), grid, align_corners=False)
    return moved.round().clamp(0, 255).to(torch.uint8)


def erasing(batch: Tensor, params: ClassicParams) -> Tensor:
    """Blacken a rectangle of every second image, after affine maps (Zhong et al. 2020)."""
    n, _, height, width = batch.shape
    area = torch.empty(n).uniform_(*ERASED_AREA)
    aspect = torch.empty(n).uniform_(*np.log(ERASED_ASPECT).tolist()).exp()
    tall, wide = (area * aspect).sqrt(), (area / aspect).sqrt()
    inside = [
        (places - torch.rand(n, 1)).abs() < side[:, None] / 2
        for side, places in (
            (tall, (torch.arange(height) + 0.5) / height),
            (wide, (torch.arange(width) + 0.5) / width),
        )
    ]
    erased = inside[0][:, :, None] & inside[1][:, None, :] & (torch.rand(n, 1, 1) < 0.5)
    return affine(batch, params).masked_fill(erased[:, None], 0)


def rand_augment(batch: Tensor, params: ClassicParams) -> Tensor:
    """Apply two of fourteen operations at a fixed strength (Cubuk et al. 2020)."""
    return _by_group(batch, params, lambda: _operations(OPERATIONS, MAGNITUDE))


def trivial_augment(batch: Tensor, params: ClassicParams) -> Tensor:
    """Apply one operation at a random strength (Müller & Hutter 2021).

    Of RandAugment's operations, whose shifts follow the size of the image.
    """
    return _by_group(batch, params, lambda: _operations(1, int(torch.randint(MAGNITUDES, ()))))


def _operations(number: int, magnitude: int) -> torch.nn.Module:
    from torchvision.transforms import v2  # takes two seconds, for policies that few choose

    made: torch.nn.Module = v2.RandAugment(num_ops=number, magnitude=magnitude)
    return made


def _by_group(batch: Tensor, params: ClassicParams, draw: Callable[[], torch.nn.Module]) -> Tensor:
    parts = [draw()(part) for part in batch.split(GROUP)]
    if params.flip:
        parts = [part.flip(-1) if torch.rand(()) < 0.5 else part for part in parts]
    return torch.cat(parts)


POLICIES: dict[str, Callable[[Tensor, ClassicParams], Tensor]] = {
    "affine": affine,
    "gentle-affine": partial(affine, strength=0.5),
    "strong-affine": partial(affine, strength=2.0),
    "erasing": erasing,
    "rand-augment": rand_augment,
    "trivial-augment": trivial_augment,
}


def transform(params: ClassicParams) -> Callable[[Tensor], Tensor]:
    """Return the random transform of batches, uint8 N×C×H×W, that `params.policy` names.

    Raises:
        UserError: there is no such policy.
    """
    policy = choose(POLICIES, params.policy, "evaluate.classic.policy")
    return lambda batch: policy(batch, params)


def transformed(pixels: NDArray[np.uint8], params: ClassicParams, seed: int) -> NDArray[np.uint8]:
    """Return a transformed copy of each image, uint8 N×C×H×W."""
    apply = transform(params)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        copies = [apply(part).numpy() for part in torch.from_numpy(pixels).split(CHUNK)]
    return np.concatenate(copies)
