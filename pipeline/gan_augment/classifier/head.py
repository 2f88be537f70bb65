"""A head: standardise, perhaps project, then dense layers; as arrays, so that no file runs code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

Floats = NDArray[np.float64]


class Layer(NamedTuple):
    """A dense layer: weight O×I and bias O, float64."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True)
class Head:
    """From flat pixels 0–255, or features of a backbone, to probabilities of classes.

    Attributes:
        offset, scale: float64 D, what is taken off a sample, and what it is then divided by.
        components: float64 K×D that it is then projected on, if any.
        layers: dense ones, with rectified linear units between them.
    """

    offset: Floats
    scale: Floats
    components: Floats | None
    layers: tuple[Layer, ...]

    def __call__(self, samples: NDArray[Any]) -> Floats:
        """Return probabilities, float64 N×C, of samples: uint8 N×C×H×W, or float32 N×D."""
        seen = (samples.reshape(len(samples), -1) - self.offset) / self.scale
        if self.components is not None:
            seen = seen @ self.components.T
        for number, layer in enumerate(self.layers):
            seen = np.maximum(seen, 0) if number else seen
            seen = seen @ layer.weight.T + layer.bias
        probabilities: Floats = softmax(seen, axis=1)
        return probabilities

    @property
    def widths(self) -> tuple[int, ...]:
        """How many numbers go into the first layer and come out of each."""
        return (self.layers[0].weight.shape[1], *(len(layer.bias) for layer in self.layers))

    def tensors(self) -> dict[str, Floats]:
        """Return all arrays by the names of `shapes`."""
        found = {"offset": self.offset, "scale": self.scale}
        if self.components is not None:
            found["components"] = self.components
        for number, layer in enumerate(self.layers):
            found |= {f"layer.{number}.weight": layer.weight, f"layer.{number}.bias": layer.bias}
        return {name: np.ascontiguousarray(array, np.float64) for name, array in found.items()}

    @classmethod
    def of(cls, tensors: Mapping[str, Floats]) -> "Head":
        """Return the head that `tensors` gave."""
        layers = [
            Layer(tensors[f"layer.{number}.weight"], tensors[f"layer.{number}.bias"])
            for number in range(sum(name.endswith(".bias") for name in tensors))
        ]
        components = tensors.get("components")
        return cls(tensors["offset"], tensors["scale"], components, tuple(layers))


def shapes(inputs: int, widths: Sequence[int], projects: bool) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of a head, by name.

    Args:
        inputs: D, numbers of a sample.
        widths: as of `Head.widths`.
        projects: whether samples are projected.
    """
    found: dict[str, tuple[int, ...]] = {"offset": (inputs,), "scale": (inputs,)}
    if projects:
        found["components"] = widths[0], inputs
    for number, (before, after) in enumerate(pairwise(widths)):
        found[f"layer.{number}.weight"] = after, before
        found[f"layer.{number}.bias"] = (after,)
    return found
