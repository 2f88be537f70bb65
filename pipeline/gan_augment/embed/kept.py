"""Features that workers compute, and that are kept in files here until all are done."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_augment.embed import backbones
from gan_augment.embed.backbones import Backbone
from gan_augment.engine import stream
from gan_augment.params import EmbedParams
from gan_augment.storage import replace_file

Task = TypeVar("Task")


def features(
    function: Callable[[Task], NDArray[np.float32]],
    tasks: Mapping[str, Task],
    folder: Path | None,
) -> Iterator[NDArray[np.float32]]:
    """Yield the features of each task, float32 N×F, in order, as they were kept or made now.

    Args:
        function: makes them, on all cores; can be pickled, and so can tasks.
        tasks: what to make them of, by the name of the file.
        folder: where files are kept; None keeps none.

    Raises:
        UserError: of the function; or nothing can be written there.
    """
    if folder is None:
        yield from stream(function, tasks.values(), processes=True)
        return
    files = {name: folder / f"{name}.npy" for name in tasks}
    kept = {name for name, file in files.items() if file.exists()}
    made = stream(function, (tasks[name] for name in tasks if name not in kept), processes=True)
    for name, file in files.items():
        if name not in kept:
            _keep(file, next(made))
        yield np.load(file)


def _keep(file: Path, found: NDArray[np.float32]) -> None:
    content = io.BytesIO()  # numpy's own writing does not say that a disk is full
    np.save(content, found)
    with replace_file(file) as part:
        part.write_bytes(content.getbuffer())


def look(params: EmbedParams, name: str, images: Sequence[Image.Image]) -> NDArray[np.float32]:
    """Return the features of images, float32 N×F, by a backbone that a process loads once.

    Args:
        params: the section `embed`.
        name: of the backbone.
        images: of any size and mode.

    Raises:
        UserError: the backbone cannot be loaded, or a feature is not finite.
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
