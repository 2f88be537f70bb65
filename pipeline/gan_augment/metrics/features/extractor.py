"""What an extractor is, and how any network becomes one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gan_augment.storage import digest

Pixels = NDArray[Any]
"""Images, uint8 N×C×H×W, or features of a backbone, float32 N×F."""
IMAGES_AT_ONCE = 256


class Features(NamedTuple):
    """What an extractor makes of N images.

    Attributes:
        values: float64, N×F.
        probabilities: float64, N×K, of the classes it knows, rows sum to 1; None if it knows none.
    """

    values: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None


class Extractor(Protocol):
    """Turns images, uint8 N×C×H×W, into features."""

    @property
    def name(self) -> str:
        """Kind and hash: equal names, comparable values."""

    def __call__(self, pixels: Pixels) -> Features: ...  # noqa: D102


Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Network(Generic[Module]):
    """A network in evaluation mode: (uint8 images on its device) → (features, logits), float32."""

    name: str
    module: Module
    images_at_once: int

    @torch.no_grad()
    def __call__(self, pixels: Pixels) -> Features:
        """Return the pooled features of the last layer but one, and the class probabilities."""
        device = next(self.module.parameters()).device
        outputs = [
            self.module(torch.from_numpy(np.ascontiguousarray(part)).to(device))
            for part in parts_of(pixels, self.images_at_once)
        ]
        values, logits = (torch.cat(part).double().cpu() for part in zip(*outputs, strict=True))
        return Features(values.numpy(), logits.softmax(dim=1).numpy())


def as_extractor(kind: str, module: Module, images_at_once: int) -> Network[Module]:
    """Return a network as an extractor, named by its kind and a hash of its weights."""
    content = digest(safetensors.torch.save(weights_of(module)))
    return Network(f"{kind}-{content[:8]}", module.eval().requires_grad_(False), images_at_once)


def filled(build: Callable[[], Module], state: Mapping[str, Tensor]) -> Module:
    """Return what `build` makes, with these weights; no time or randomness goes into others."""
    with torch.device("meta"):
        module = build()
    module.load_state_dict(state, assign=True)
    return module.float()


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """Return the weights as they can be saved."""
    return {key: tensor.cpu().contiguous() for key, tensor in module.state_dict().items()}


def parts_of(pixels: Pixels, size: int) -> Iterator[Pixels]:
    """Return the images in parts of at most so many."""
    return (pixels[start : start + size] for start in range(0, len(pixels), size))
