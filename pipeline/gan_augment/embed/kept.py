"""Features that a worker computes once, and keeps in a file until all are done."""

import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_augment.embed import backbones
from gan_augment.embed.backbones import Backbone
from gan_augment.params import EmbedParams
from gan_augment.storage import replace_file


def features(
    params: EmbedParams, name: str, file: Path, images: Callable[[], Sequence[Image.Image]]
) -> NDArray[np.float32]:
    """Return the features of images, float32 N×F, as they were kept in a file or made now.

    Args:
        params: the section `embed`.
        name: of the backbone, which a process loads once.
        file: where they are kept.
        images: gives them, if they are needed.

    Raises:
        UserError: the backbone cannot be loaded, or a feature is not finite.
    """
    if not file.exists():
        content = io.BytesIO()  # numpy's own writing does not say that a disk is full
        np.save(content, look(params, name, images()))
        with replace_file(file) as part:
            part.write_bytes(content.getbuffer())
    found: NDArray[np.float32] = np.load(file)
    return found


def look(params: EmbedParams, name: str, images: Sequence[Image.Image]) -> NDArray[np.float32]:
    """Return the features of images, float32 N×F, by a backbone that a process loads once.

    Args:
        params: as of `features`, like the errors.
        name: of the backbone.
        images: of any size and mode.
    """
    return backbone(params, name)(images)


def backbone(params: EmbedParams, name: str) -> Backbone:
    """Return a backbone that a process loads once, and that computes with one thread."""
    return _backbone(params.model_dump_json(), name)


@lru_cache(maxsize=1)
def _backbone(params: str, name: str) -> Backbone:
    import torch

    torch.set_num_threads(1)
    return backbones.load(EmbedParams.model_validate_json(params), name)
