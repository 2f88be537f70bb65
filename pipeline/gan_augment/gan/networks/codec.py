"""Codecs: how samples become what the networks see, and how what they make becomes samples.

A codec is part of either half of a model: its numbers are saved and loaded with the weights.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gan_augment.gan.networks.shape import Shape
from gan_augment.metrics.standard import LEAST_SCALE, standard


class PixelCodec(nn.Module):
    """uint8 images, 0–255, are seen between −1 and 1; they are held as bytes, to save memory."""

    def fit(self, values: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        """Learn nothing."""

    def hold(self, values: NDArray[np.uint8]) -> Tensor:
        """Return images N×C×H×W as they wait for their batch."""
        return torch.from_numpy(values)

    def see(self, held: Tensor) -> Tensor:
        """Return held images as the networks see them, float32 N×C×H×W."""
        return held.float() / 127.5 - 1

    def show(self, made: Tensor, _: Tensor) -> NDArray[np.uint8]:
        """Return what a generator made as images, uint8 N×C×H×W."""
        levels = ((made.float() + 1) * 127.5).round().clamp(0, 255)
        return levels.to(torch.uint8).cpu().contiguous().numpy()


class VectorCodec(nn.Module):
    """Features are seen as codes: their leading principal components, once standardised.

    Codes have a mean variance of 1. What is outside the components is noise to a generator, and is
    left out of what it makes.

    Attributes:
        spread: of what is made, over that of what the generator says: its samples are moved away
            from their class's mean, or towards it, by this factor; `gan.spread` chooses it.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, codes = shape.features, shape.channels
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.register_buffer("components", torch.zeros(codes, width))
        self.register_buffer("unit", torch.ones(()))
        self.register_buffer("class_means", torch.zeros(shape.classes, codes))
        self.register_buffer("spread", torch.ones(()))
        self.mean: Tensor
        self.scale: Tensor
        self.components: Tensor
        self.unit: Tensor
        self.class_means: Tensor
        self.spread: Tensor

    def fit(self, values: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
        """Learn from training features, float32 N×F, with labels N, what codes they have.

        Means, scales and components that came with the weights of another model are kept: in other
        codes these weights would be worth nothing.
        """
        if not self.components.any():
            self._learn_components(values)
        self.spread.fill_(1)
        codes = self.hold(values)
        for label in range(len(self.class_means)):
            own = codes[torch.from_numpy(labels) == label]
            if len(own):
                self.class_means[label] = own.mean(dim=0)

    def _learn_components(self, values: NDArray[np.float32]) -> None:
        from sklearn.decomposition import PCA

        units = standard(values)
        pca = PCA(len(self.components), svd_solver="full").fit(units(values))
        learnt: dict[str, Any] = {
            "mean": units.mean,
            "scale": units.scale,
            "components": pca.components_,
            "unit": max(np.sqrt(pca.explained_variance_.mean()), LEAST_SCALE),
        }
        for name, value in learnt.items():
            self.get_buffer(name).copy_(torch.as_tensor(value))

    def hold(self, values: NDArray[np.float32]) -> Tensor:
        """Return features N×F as codes, float32 N×codes."""
        standardised = (torch.from_numpy(values).to(self.mean.device) - self.mean) / self.scale
        return standardised @ self.components.T / self.unit

    def see(self, held: Tensor) -> Tensor:
        """Return codes as they are."""
        return held

    def show(self, made: Tensor, labels: Tensor) -> NDArray[np.float32]:
        """Return codes N×codes that a generator made for labels N as features, float32 N×F."""
        centre = self.class_means[labels]
        codes = centre + self.spread * (made.float() - centre)
        features = codes * self.unit @ self.components * self.scale + self.mean
        return features.cpu().contiguous().numpy()


Codec = PixelCodec | VectorCodec


def codec_of(shape: Shape) -> Codec:
    """Return the codec of images or of features, untrained."""
    return VectorCodec(shape) if shape.features else PixelCodec()
