"""Features of images that are at hand: of rows of a table, and of arrays."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.embed import backbones
from gan_augment.embed.backbones import AT_ONCE
from gan_augment.engine import stream
from gan_augment.params import EmbedParams
from gan_augment.table import FeatureSpace


def with_features(
    parts: Iterable[pa.Table], space: FeatureSpace, weights: Path | None = None
) -> Iterator[pa.Table]:
    """Yield rows of images with what a backbone sees in each, looked at on all cores.

    Args:
        parts: rows of an image table.
        space: whose features, of which weights, seen at which size.
        weights: the file with the weights, where they came from one.

    Raises:
        UserError: the backbone cannot be had, or has other weights now.
    """
    backbones.of_space(space, weights)  # refused here, before any worker starts
    params = backbones.params_of(space, weights)
    blocks = [
        rows.slice(start, AT_ONCE) for rows in parts for start in range(0, len(rows), AT_ONCE)
    ]
    pngs = [[cell["bytes"] for cell in rows["image"].to_pylist()] for rows in blocks]
    look = partial(_look, params, space.backbone)
    for rows, found in zip(blocks, stream(look, pngs, processes=True), strict=True):
        schema = table.schema(table.classes_of(rows.schema), space)
        features = pa.array(list(found), schema.field(table.FEATURES).type)
        yield rows.append_column(table.FEATURES, features).select(schema.names).cast(schema)


def features_of(pixels: NDArray[np.uint8], space: FeatureSpace) -> NDArray[np.float32]:
    """Return the features of images, looked at on all cores: float32 N×F.

    Args:
        pixels: uint8 N×C×H×W.
        space: whose features; of a backbone that brings its weights.
    """
    look = partial(_look_at, backbones.params_of(space), space.backbone)
    blocks = (pixels[start : start + AT_ONCE] for start in range(0, len(pixels), AT_ONCE))
    found = stream(look, blocks, processes=True)
    return np.concatenate([np.zeros((0, space.width), np.float32), *found])


def _look(params: EmbedParams, name: str, pngs: list[bytes]) -> NDArray[np.float32]:
    return backbones.look(params, name, [table.opened_png(content) for content in pngs])


def _look_at(params: EmbedParams, name: str, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return backbones.look(params, name, [table.picture(image) for image in pixels])
