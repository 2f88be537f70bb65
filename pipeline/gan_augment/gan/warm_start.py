"""Warm start: weights of a model trained before, perhaps on other classes."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from gan_augment.errors import UserError
from gan_augment.gan.files import CONFIG, HALVES, weights_file
from gan_augment.gan.model import load
from gan_augment.gan.trainer import Trainer
from gan_augment.params import Origin
from gan_augment.table import FeatureSpace

Weights = Mapping[str, Mapping[str, Tensor]]


def fetch(origin: Origin, scratch: Path, first: bool = True) -> Path:
    """Return the folder of the model, got by DVC if it is in a repository.

    Args:
        origin: where the model is.
        scratch: where DVC puts it.
        first: false in a process that finds it there, since another one has got it.

    Raises:
        UserError: no model there, or DVC could not get it; its own words are in the message.
    """
    folder = origin.path
    if origin.repo:
        folder = scratch / "init_from"
    if origin.repo and first:
        revision = ["--rev", origin.rev] if origin.rev else []
        command = [sys.executable, "-m", "dvc", "get", "--force", *revision]
        command += ["--out", str(folder), origin.repo, str(origin.path)]
        scratch.mkdir(parents=True, exist_ok=True)
        got = subprocess.run(command, capture_output=True, text=True, check=False)
        if got.returncode:
            reason = (got.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise UserError(f"train.init_from: `dvc get` failed: {reason}")
    missing = [file for file in files(folder) if not file.is_file()]
    if missing:
        raise UserError(f"train.init_from: {missing[0]} is missing, so there is no model to use")
    return folder


def files(folder: Path) -> list[Path]:
    """Return the files that a warm start depends on."""
    return [folder / CONFIG, *(weights_file(folder, half) for half in HALVES)]


def read(folder: Path, space: FeatureSpace | None) -> Weights:
    """Return the weights of both halves by name.

    Args:
        folder: of the model.
        space: whose features are to be made; None for images.

    Raises:
        UserError: a damaged model, or one of other features.
    """
    try:
        trained = load(folder)
    except UserError as error:
        raise UserError(f"train.init_from: {error}") from None
    if trained.space != space:
        raise UserError(
            f"train.init_from: {folder} makes {_made(trained.space)}, and {_made(space)} are wanted"
        )
    return {half: getattr(trained, half).state_dict() for half in HALVES}


def _made(space: FeatureSpace | None) -> str:
    if space is None:
        return "images"
    height, width = space.size
    return f"features of {space.backbone} ({space.hash}) at {width}×{height} pixels"


def start(trainer: Trainer, weights: Weights) -> list[str]:
    """Begin training with these weights; return a line for each that had to start anew.

    Raises:
        UserError: they are of another network or size.
    """
    fresh = initialise(trainer.generator, weights["generator"], "generator")
    fresh += initialise(trainer.discriminator, weights["discriminator"], "discriminator")
    trainer.ema.load_state_dict(trainer.generator.state_dict())
    return fresh


def initialise(module: nn.Module, weights: Mapping[str, Tensor], half: str) -> list[str]:
    """Copy every weight that has the same name and shape; return a line for each that has not.

    Args:
        module: the network to start; what finds no counterpart keeps its random start.
        weights: those of the model trained before.
        half: generator or discriminator, for the lines.

    Raises:
        UserError: nothing fits, so that the network must be of another family.
    """
    own = module.state_dict()
    fits = {k: w for k, w in weights.items() if k in own and own[k].shape == w.shape}
    if not fits:
        raise UserError(
            f"train.init_from: no weight of its {half} fits; it is of another network or size"
        )
    module.load_state_dict(fits, strict=False)
    return [
        f"{half} {key}: {_size(weights[key]) if key in weights else 'nothing'} there, "
        f"{_size(tensor)} here"
        for key, tensor in own.items()
        if key not in fits
    ]


def _size(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "scalar"
