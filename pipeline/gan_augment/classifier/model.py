"""A classifier on disk: a JSON config beside safetensors weights, read without trusting either."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from gan_augment.classifier.head import Floats, Head, shapes
from gan_augment.errors import UserError, reason
from gan_augment.ingest.stored import Stored
from gan_augment.storage import replace_directory, write_json
from gan_augment.table import FeatureSpace

CONFIG, WEIGHTS = "config.json", "model.safetensors"
MOST_CONFIG = 2**22
"""Bytes of a config that is read."""
MOST_FILE = 2**31
"""Bytes of weights that are read."""

Width = Annotated[int, Field(ge=1, le=2**22)]


class Frozen(BaseModel):
    """A part of the config."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Config(Frozen):
    """What is needed to use the weights, and where they come from.

    Attributes:
        format: of these files.
        classes: class names, in the order of probabilities.
        images: how they are stored.
        backbone: what looks at them; None where the head sees their pixels.
        widths: numbers that go into the first layer, and that come out of each.
        projects: whether samples are projected before the first layer.
        judge: which classifier of the comparison this is.
        arm: the recipe by which it was trained.
        measured: its balanced accuracy with that recipe in the comparison, by split, 0–1.
        notes: what was otherwise than in the comparison.
        provenance: hashes of what it comes from.
    """

    format: Literal[1] = 1
    classes: Annotated[tuple[str, ...], Field(min_length=2, max_length=2**16)]
    images: Stored
    backbone: FeatureSpace | None
    widths: Annotated[tuple[Width, ...], Field(min_length=2, max_length=16)]
    projects: bool
    judge: str
    arm: str
    measured: dict[str, float]
    notes: tuple[str, ...]
    provenance: dict[str, Any]

    @property
    def inputs(self) -> int:
        """How many numbers of an image the head sees."""
        if self.backbone:
            return self.backbone.width
        height, width = self.images.size
        return self.images.channels * height * width

    @model_validator(mode="after")
    def _fits(self) -> "Config":
        if self.widths[-1] != len(self.classes):
            raise ValueError("another number of classes than the weights have")
        if not self.projects and self.widths[0] != self.inputs:
            raise ValueError("another input than the weights have")
        return self


def save(folder: Path, config: Config, head: Head) -> None:
    """Write a classifier, which appears whole; the same one gives the same bytes."""
    with replace_directory(folder) as partial:
        (partial / WEIGHTS).write_bytes(to_bytes(head.tensors()))
        write_json(partial / CONFIG, config.model_dump(mode="json"))


def load(folder: Path) -> tuple[Config, Head]:
    """Read a classifier; arrays are read only when the file holds those that the config names.

    Raises:
        UserError: there is none, or it is not whole.
    """
    if not (folder / CONFIG).is_file():
        raise UserError(f"{folder} holds no classifier: run `dvc repro classifier`, or pull one")
    try:
        config = Config.model_validate_json(_content(folder / CONFIG, MOST_CONFIG))
        expected = shapes(config.inputs, config.widths, config.projects)
        return config, Head.of(_arrays(folder / WEIGHTS, expected))
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(
            f"{folder} is not a whole classifier ({_reason(error)}): pull it again, or run "
            "`dvc repro classifier`"
        ) from None


def _content(path: Path, most: int) -> bytes:
    _check_size(path, most)
    return path.read_bytes()


def _check_size(path: Path, most: int) -> None:
    if not path.is_file():
        raise ValueError(f"{path.name} is missing")
    if (size := path.stat().st_size) > most:
        raise ValueError(f"{path.name} has {size:,} bytes, more than {most:,}")


def _arrays(path: Path, expected: Mapping[str, tuple[int, ...]]) -> dict[str, Floats]:
    """Return the arrays of a file that holds these and no others, all of them finite."""
    _check_size(path, MOST_FILE)
    with safe_open(path, framework="np") as file:
        if set(file.keys()) != set(expected):
            raise ValueError(f"{path.name} holds other arrays than {CONFIG} names")
        for name, shape in expected.items():
            about = file.get_slice(name)
            if tuple(about.get_shape()) != shape or about.get_dtype() != "F64":
                raise ValueError(f"{name} has another shape or type than {CONFIG} says")
        arrays = {name: file.get_tensor(name) for name in expected}
    if not all(np.isfinite(array).all() for array in arrays.values()) or not arrays["scale"].all():
        raise ValueError(f"{path.name} holds numbers that are not finite, or scales of zero")
    return arrays


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"{CONFIG}: {where + ': ' if where else ''}{first['msg']}"
    return reason(error)
