"""A trained model on disk: a JSON config beside safetensors weights."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import nn

from gan_augment.errors import UserError, reason
from gan_augment.gan.files import CONFIG, HALVES, weights_file
from gan_augment.gan.networks import Shape, build
from gan_augment.gan.sampling import sample
from gan_augment.params import MOST_LAYERS
from gan_augment.storage import digest, read_record, write_json
from gan_augment.table import FeatureSpace

_DAMAGED = (
    *(ArithmeticError, AttributeError, LookupError, OSError),
    *(RuntimeError, SafetensorError, TypeError, ValueError),
)
"""What a config or weights of others lead to when they are not ours."""


@dataclass(frozen=True)
class Model:
    """A generator and its discriminator, with what is needed to use them.

    Attributes:
        generator, discriminator: in evaluation mode, float32.
        network: name of their family.
        shape: their sizes.
        classes: class names in index order.
        conditional: whether the generator heeds the class asked for.
        hash: over config and weights; the provenance of its samples.
        space: whose features it makes; None if it makes images.
    """

    generator: nn.Module
    discriminator: nn.Module
    network: str
    shape: Shape
    classes: tuple[str, ...]
    conditional: bool
    hash: str
    space: FeatureSpace | None = None

    def draw(
        self, label: int, indices: range, seed: int, truncation: float | None = None
    ) -> NDArray[Any]:
        """Return samples `indices` of a class, N×C×H×W or N×F; see `sampling.sample`."""
        return sample(self.generator, self.shape.latent_dim, label, indices, seed, truncation)


def save(
    folder: Path,
    generator: nn.Module,
    discriminator: nn.Module,
    *,
    network: str,
    shape: Shape,
    classes: tuple[str, ...],
    conditional: bool = True,
    space: FeatureSpace | None = None,
    training: dict[str, Any],
) -> None:
    """Write a model into an existing folder; `training` records how it was made."""
    for name, module in zip(HALVES, (generator, discriminator), strict=True):
        weights = {key: tensor.cpu().contiguous() for key, tensor in module.state_dict().items()}
        # Not by `save_file`, whose files only their owner may read.
        weights_file(folder, name).write_bytes(to_bytes(weights))
    config = {
        "network": network,
        "shape": asdict(shape),
        "classes": classes,
        "conditional": conditional,
        "space": asdict(space) if space else None,
        "training": training,
    }
    write_json(folder / CONFIG, config)


def load(folder: Path) -> Model:
    """Read a model.

    Raises:
        UserError: no model there, or its weights do not fit its config.
    """
    config = read_record(folder / CONFIG)
    files = [weights_file(folder, name) for name in HALVES]
    try:
        sizes = config["shape"]
        lists = {key: tuple(v) for key, v in sizes.items() if isinstance(v, list)}
        shape = Shape(**{**sizes, **lists})
        _check(config["network"], shape, files)
        classes = tuple(config["classes"])
        if len(classes) != shape.classes or not all(isinstance(name, str) for name in classes):
            raise ValueError(f"{CONFIG} names other classes than the weights have")
        halves = build(config["network"], shape)
        for half, file in zip(halves, files, strict=True):
            half.load_state_dict(load_file(file))
            if not all(tensor.isfinite().all() for tensor in half.state_dict().values()):
                raise ValueError(f"{file.name} holds numbers that are not finite")
        conditional = config["conditional"]
        space = config["space"] and FeatureSpace.of(config["space"])
    except _DAMAGED as error:
        why = reason(error)
        raise UserError(f"{folder} is not a whole model ({why}): run `dvc repro train`") from None
    return Model(
        halves[0].eval(),
        halves[1].eval(),
        config["network"],
        shape,
        classes,
        conditional,
        digest(folder / CONFIG, *files),
        space,
    )


def _check(network: str, shape: Shape, files: Sequence[Path]) -> None:
    """Refuse files of other tensors than such networks have, before memory is taken for these.

    Raises:
        ValueError: they are others, or the networks have absurdly many layers.
    """
    if not isinstance(shape.width, int) and len(shape.width) > MOST_LAYERS:
        raise ValueError(f"{CONFIG}: more than {MOST_LAYERS} layers")
    with torch.device("meta"):
        halves = build(network, shape)
    for half, file in zip(halves, files, strict=True):
        with safe_open(file, framework="pt") as weights:
            held = {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118
        wanted = {name: tuple(tensor.shape) for name, tensor in half.state_dict().items()}
        for name in sorted(held.keys() | wanted.keys()):
            if held.get(name) != wanted.get(name):
                there, here = held.get(name, "nothing"), wanted.get(name, "nothing")
                raise ValueError(f"{file.name}: {name} is {there}, and by {CONFIG} {here}")
