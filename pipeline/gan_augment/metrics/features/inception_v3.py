"""Inception v3, with weights that the user has."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_augment.errors import UserError, reason
from gan_augment.metrics.features.extractor import Network, as_extractor, filled
from gan_augment.weights import read

INCEPTION_SIZE = 299
INCEPTION_IMAGES_AT_ONCE = 32


class _Inception(nn.Module):
    """Inception v3 (Szegedy et al. 2016) of torchvision, up to its pooled features and beyond."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.head = network.get_submodule("fc")
        self.trunk = network
        self.trunk.fc = nn.Identity()

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return features N×2048 and logits N×1000 of uint8 images N×C×H×W, C 1 or 3."""
        x = F.interpolate(
            pixels.float(), (INCEPTION_SIZE, INCEPTION_SIZE), mode="bilinear", antialias=True
        )
        # ImageNet's normalisation, undone again by `transform_input`, comes to this.
        features = self.trunk((x / 127.5 - 1).expand(-1, 3, -1, -1))
        return features, self.head(features)


def inception(weights: Path, device: torch.device | str = "cpu") -> Network[nn.Module]:
    """Return Inception v3 with the user's copy of torchvision's weights.

    Those were trained anew, so values differ from the ones papers took with TensorFlow's weights.

    Args:
        weights: the state dict as .safetensors, or as .pth, of which only tensors are read.
        device: where it will run.

    Raises:
        UserError: the file is missing, unreadable or of another network.
    """
    from torchvision.models import inception_v3

    try:
        state = read(weights)
        state = {key: part for key, part in state.items() if not key.startswith("AuxLogits.")}
        network = filled(lambda: inception_v3(init_weights=False, aux_logits=False), state)
    except Exception as error:  # unpickling raises whatever the bytes lead it to
        raise UserError(
            f"{weights} does not hold the weights of torchvision's inception_v3 ({reason(error)}): "
            "give its state dict as .pth or .safetensors"
        ) from None
    return as_extractor("inception", _Inception(network).to(device), INCEPTION_IMAGES_AT_ONCE)
