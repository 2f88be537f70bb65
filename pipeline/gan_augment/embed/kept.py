"""Features that workers compute, and that are kept in files here until all are done."""

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gan_augment.engine import Task, stream
from gan_augment.engine.resumed import resumed


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
    else:
        files = {folder / f"{name}.npy": task for name, task in tasks.items()}
        yield from resumed(function, files, np.load, _write)


def _write(file: Path, found: NDArray[np.float32]) -> None:
    content = io.BytesIO()  # numpy's own writing does not say that a disk is full
    np.save(content, found)
    file.write_bytes(content.getbuffer())
