"""A trained model on disk: a JSON config beside safetensors weights."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from pipeline.errors import UserError
from pipeline.gan.networks import NETWORKS, Shape
from pipeline.storage import digest, read_json, write_json


@dataclass(frozen=True)
class Model:
    """A generator with what is needed to use it.

    Attributes:
        generator: in evaluation mode, float32.
        network: name of its family.
        shape: its sizes.
        classes: class names in index order.
        hash: over config and weights; the provenance of its images.
    """

    generator: nn.Module
    network: str
    shape: Shape
    classes: tuple[str, ...]
    hash: str


def save(
    folder: Path,
    generator: nn.Module,
    discriminator: nn.Module,
    *,
    network: str,
    shape: Shape,
    classes: tuple[str, ...],
    training: dict[str, Any],
) -> None:
    """Write a model into an existing folder; `training` records how it was made."""
    for name, module in (("generator", generator), ("discriminator", discriminator)):
        weights = {key: tensor.cpu().contiguous() for key, tensor in module.state_dict().items()}
        save_file(weights, folder / f"{name}.safetensors")
    config = {"network": network, "shape": asdict(shape), "classes": classes, "training": training}
    write_json(folder / "config.json", config)


def load(folder: Path) -> Model:
    """Read the generator of a model.

    Raises:
        UserError: no model there, or its weights do not fit its config.
    """
    config_file, weights_file = folder / "config.json", folder / "generator.safetensors"
    config = read_json(config_file)
    try:
        shape = Shape(**config["shape"])
        generator = NETWORKS[config["network"]].generator(shape)
        generator.load_state_dict(load_file(weights_file))
    except (KeyError, TypeError, RuntimeError, OSError, SafetensorError) as error:
        raise UserError(f"{folder} is not a whole model ({error}): run `dvc repro train`") from None
    return Model(
        generator.eval(),
        config["network"],
        shape,
        tuple(config["classes"]),
        digest(config_file, weights_file),
    )
