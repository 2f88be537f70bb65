"""Where a row of an image table comes from; a synthetic one is made again from that."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.gan.model import Model
from gan_augment.synthesis.baselines import draw, of_class


def find(path: Path, identity: str) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return a row by the start of its id: image, uint8 C×H×W, or features, float32 F; columns.

    Of a row that has both it is the image.

    Args:
        path: an image table.
        identity: an id, or as much of its start as no other row shares.

    Raises:
        UserError: no row has such an id, or images that differ have.
    """
    rows = table.Rows(table.shards(path))
    names = enumerate(rows.columns(["id"])["id"].to_pylist())
    found: dict[str, int] = {}
    for number, name in names:
        if name.startswith(identity):
            found.setdefault(name, number)
    if not found:
        raise UserError(f"{path} has no row whose id starts with {identity!r}")
    if len(found) > 1:
        raise UserError(f"{path} has {len(found)} images whose ids start with {identity!r}")
    (number,) = found.values()
    (columns,) = rows.columns().slice(number, 1).to_pylist()
    columns["label"] = table.class_names(path)[columns["label"]]
    if table.space(path) and not rows.pictured(number):
        features = rows.columns([table.FEATURES])[table.FEATURES][number].as_py()
        return np.array(features, np.float32), columns
    return table.from_png(rows.png(number)), columns


def described(row: Mapping[str, Any], classes: Sequence[str]) -> list[str]:
    """Return the columns of a row that `find` found as lines, classes by their names."""
    named = {**row}
    if row.get("requested_label") is not None:
        named["requested_label"] = classes[row["requested_label"]]
    return [f"{name:16} {value}" for name, value in named.items() if value is not None]


def regenerate(row: Mapping[str, Any], model: Model) -> NDArray[Any]:
    """Return the sample of a synthetic row, as `find` does, made by the generator anew.

    Raises:
        UserError: the row names another generator.
    """
    if row["generator"] != model.hash:
        raise UserError(
            f"the row was made by generator {row['generator']}, but this one is {model.hash}: "
            "name the right one with --model"
        )
    index = row["index"]
    label, indices = row["requested_label"], range(index, index + 1)
    return model.draw(label, indices, row["seed"], row["truncation"])[0]


def remake(row: Mapping[str, Any], path: Path, real: Path) -> NDArray[Any]:
    """Return the sample of a row that a simpler method made, as `find` does, made anew.

    Such a method makes all its images of a class at once, so `path`, the table that the row is in,
    is asked how many there were in its set.

    Args:
        row: columns of the row.
        path: the image table that it is in.
        real: the table of images, or of features, that it was made from.
    """
    made = {name: row[name] for name in ("method", "requested_label", "seed")}
    rows = table.Rows(table.shards(path, "train")).columns(list(made))
    count = rows.to_pylist().count(made)
    train = table.read(real, "train")
    extra = of_class(train, row["requested_label"], count)
    images = draw(row["method"], train, extra, row["seed"])
    pixels: NDArray[Any] = images.pixels[row["index"]]
    return pixels
