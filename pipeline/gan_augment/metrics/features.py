"""Extractors: what turns images into the features that fidelity is measured on.

Three kinds. A small network trained on the user's own images knows what tells their classes apart,
and so overlooks part of what varies within a class. Principal components of the pixels see all that
varies, and meaning in none of it: report them beside the network. Inception is for photographs, and
for users who have its weights.

Values of a metric compare only under one extractor: its name holds a hash of what it is.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from gan_augment.errors import UserError
from gan_augment.progress import progress
from gan_augment.seeding import rng, seed_of
from gan_augment.storage import digest, replace_file
from gan_augment.table import Images

Pixels = NDArray[np.uint8]

COMPONENTS = 64
LEAST_SCALE = 1e-6
STEM_WIDTH, WIDTH, FEATURES = 16, 32, 64
GROUPS = 8
STRIDE_FROM = 16
SMALL_MAP = 8
BATCH = 64
EPOCHS = 30
STEPS = 200, 1000
LEARNING_RATE = 1e-2
WARM_UP = 0.2
WEIGHT_DECAY = 0.05
SHIFT_SHARE = 16
INCEPTION_SIZE = 299
IMAGES_AT_ONCE = 256
INCEPTION_IMAGES_AT_ONCE = 32


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


@dataclass(frozen=True)
class PrincipalComponents:
    """The leading components of pixels, by a fitted PCA of scikit-learn.

    Their mean square over the training images is 1, so that distances of one dataset are of the
    same order as those of another.
    """

    name: str
    pca: Any
    scale: float

    def __call__(self, pixels: Pixels) -> Features:
        """Return the scores on the components, in the order of their variance."""
        parts = [self.pca.transform(_flat(part)) for part in _parts(pixels, IMAGES_AT_ONCE)]
        return Features(np.concatenate(parts).astype(np.float64) / self.scale, None)


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
            for part in _parts(pixels, self.images_at_once)
        ]
        values, logits = (torch.cat(part).double().cpu() for part in zip(*outputs, strict=True))
        return Features(values.numpy(), logits.softmax(dim=1).numpy())


@dataclass(frozen=True)
class Shape:
    """Sizes of the images and number of classes that a `Classifier` is built for."""

    channels: int
    height: int
    width: int
    classes: int


class Classifier(nn.Module):
    """Convolutions that halve the image, residual blocks on small maps, the mean over places.

    Normalisation is by groups of channels within an image (Wu & He 2018), so that an image has the
    same features in any company.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        side = min(shape.height, shape.width)
        stride = 1 if side < STRIDE_FROM else 2
        sides = [-(-side // stride)]
        while len(sides) == 1 or sides[-1] >= SMALL_MAP:
            sides.append(-(-sides[-1] // 2))
        widths = [STEM_WIDTH, *[WIDTH] * (len(sides) - 2), FEATURES]
        layers: list[nn.Module] = [_conv(shape.channels, STEM_WIDTH, stride)]
        for side, (inputs, outputs) in zip(sides[1:], pairwise(widths), strict=True):
            layers += [*_activation(inputs), _conv(inputs, outputs, stride=2)]
            if side <= SMALL_MAP:
                layers.append(_Residual(outputs))
        self.layers = nn.Sequential(*layers, *_activation(FEATURES))
        self.head = nn.Linear(FEATURES, shape.classes)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return features N×64 and logits N×K of uint8 images N×C×H×W."""
        x = pixels.float() / 127.5 - 1
        features = self.layers(x.contiguous(memory_format=torch.channels_last)).mean((2, 3))
        return features, self.head(features)


class _Residual(nn.Module):
    """x + W₂ act(W₁ act(x)), at first the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        last = _conv(width, width)
        nn.init.zeros_(last.weight)
        self.layers = nn.Sequential(*_activation(width), _conv(width, width), nn.SiLU(), last)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


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


def principal_components(images: Images) -> PrincipalComponents:
    """Fit the leading principal components of pixels (0–1), at most 64, to the train split."""
    from sklearn.decomposition import PCA

    flat = _flat(images.pixels)
    pca = PCA(min(COMPONENTS, *flat.shape), random_state=0).fit(flat)
    scale = float(np.sqrt(pca.explained_variance_.mean()))
    content = digest(repr(images.pixels.shape), images.pixels.tobytes())
    return PrincipalComponents(f"pixels-{content[:8]}", pca, max(scale, LEAST_SCALE))


def train_network(
    images: Images, seed: int, device: torch.device | str = "cpu"
) -> Network[Classifier]:
    """Train a classifier on the train split, for its features.

    AdamW (Loshchilov & Hutter 2019) over one cycle of the learning rate; 30 epochs, though 200
    steps at least and 1,000 at most. Batches hold every class equally often, and each image is
    shifted by up to a sixteenth of its size (at least a pixel).

    The weights depend on images, seed and, in their last bits, on device and thread count. The
    global random state stays as it was.

    Args:
        images: of the train split and of no other.
        seed: of initial weights, batches and shifts.
        device: where to train, and where the extractor will run.
    """
    _, channels, height, width = images.pixels.shape
    with torch.random.fork_rng():
        torch.manual_seed(seed_of(seed, "feature network"))
        network = Classifier(Shape(channels, height, width, len(images.classes)))
    network.to(device)
    steps = int(np.clip(EPOCHS * len(images) // BATCH, *STEPS))
    optimizer = torch.optim.AdamW(
        network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=steps, pct_start=WARM_UP
    )
    with progress("train the feature network", steps, "steps") as advance:
        for step, (pixels, labels) in enumerate(_batches(images, steps, seed, device), start=1):
            loss = F.cross_entropy(network(pixels)[1], labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            advance(step)
    return _trained(network)


def save(extractor: Network[Classifier], path: Path) -> None:
    """Write a trained network as one safetensors file, its shape in the header, atomically."""
    shape = json.dumps(asdict(extractor.module.shape))
    with replace_file(path) as partial:
        save_file(_weights(extractor.module), partial, {"shape": shape})


def load(path: Path, device: torch.device | str = "cpu") -> Network[Classifier]:
    """Read a network that `save` wrote.

    Raises:
        UserError: it is missing or is no such file.
    """
    try:
        with safe_open(path, "pt") as file:
            shape = Shape(**json.loads(file.metadata()["shape"]))
        network = _filled(lambda: Classifier(shape), load_file(path))
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(
            f"{path} is not a feature network ({error}): delete it to have it trained again"
        ) from None
    return _trained(network.to(device))


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
        state = (
            load_file(weights)
            if weights.suffix == ".safetensors"
            else torch.load(weights, "cpu", weights_only=True)
        )
        state = {key: part for key, part in state.items() if not key.startswith("AuxLogits.")}
        network = _filled(lambda: inception_v3(init_weights=False, aux_logits=False), state)
    except Exception as error:  # unpickling raises whatever the bytes lead it to
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(
            f"{weights} does not hold the weights of torchvision's inception_v3 ({reason}): "
            "give its state dict as .pth or .safetensors"
        ) from None
    return _extractor("inception", _Inception(network).to(device), INCEPTION_IMAGES_AT_ONCE)


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1)


def _activation(width: int) -> tuple[nn.Module, nn.Module]:
    return nn.GroupNorm(GROUPS, width), nn.SiLU()


def _batches(
    images: Images, steps: int, seed: int, device: torch.device | str
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield uint8 images 64×C×H×W and labels: classes equally often on average, images shifted."""
    draw = rng(seed, "feature network")
    counts = images.counts()
    share = 1 / (counts[images.labels] * np.count_nonzero(counts))
    height, width = images.pixels.shape[2:]
    reach = max(1, min(height, width) // SHIFT_SHARE)
    room = [(0, 0), (0, 0), (reach, reach), (reach, reach)]
    padded, labels, rows, corners = (
        torch.from_numpy(array).to(device)
        for array in (
            np.pad(images.pixels, room, mode="edge"),
            images.labels,
            draw.choice(len(images), (steps, BATCH), p=share),
            draw.integers(2 * reach + 1, size=(steps, 2, BATCH, 1, 1)),
        )
    )
    down = torch.arange(height, device=device)[:, None]
    right = torch.arange(width, device=device)
    for chosen, (top, left) in zip(rows, corners, strict=True):
        shifted = padded[chosen[:, None, None], :, top + down, left + right]
        yield shifted.permute(0, 3, 1, 2), labels[chosen]


def _trained(network: Classifier) -> Network[Classifier]:
    return _extractor("network", network, IMAGES_AT_ONCE)


def _extractor(kind: str, module: Module, images_at_once: int) -> Network[Module]:
    content = digest(safetensors.torch.save(_weights(module)))
    return Network(f"{kind}-{content[:8]}", module.eval().requires_grad_(False), images_at_once)


def _filled(build: Callable[[], Module], state: Mapping[str, Tensor]) -> Module:
    """Return what `build` makes, with these weights; no time or randomness goes into others."""
    with torch.device("meta"):
        module = build()
    module.load_state_dict(state, assign=True)
    return module.float()


def _weights(module: nn.Module) -> dict[str, Tensor]:
    return {key: tensor.cpu().contiguous() for key, tensor in module.state_dict().items()}


def _parts(pixels: Pixels, size: int) -> Iterator[Pixels]:
    return (pixels[start : start + size] for start in range(0, len(pixels), size))


def _flat(pixels: Pixels) -> NDArray[np.float32]:
    return pixels.reshape(len(pixels), -1).astype(np.float32) / np.float32(255)
