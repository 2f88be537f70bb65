"""Fashion-MNIST (Xiao et al. 2017) as a small labelled set: few training images, others held out.

Both come from the 60,000 images of the published training file; the test file (t10k) stays closed.
"""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.errors import UserError
from pipeline.seeding import rng
from pipeline.table import Images

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
FOLDER = "GAN_AUGMENT_DATASETS"


def subsets(folder: Path | None, per_class: int, seed: int) -> tuple[Images, Images]:
    """Return training and held-out images, `per_class` of each class in either, none in both.

    Args:
        folder: where the two gzipped files of the training part are; if None, `fashion-mnist` in
            the folder that the environment variable `GAN_AUGMENT_DATASETS` names.
        per_class: up to 3,000.
        seed: chooses the images.

    Raises:
        UserError: the files are not there.
    """
    folder = folder or Path(os.environ.get(FOLDER, "")) / "fashion-mnist"
    pixels, labels = _read(folder / IMAGES, 16).reshape(-1, 1, 28, 28), _read(folder / LABELS, 8)
    draw = rng(seed, "fashion-mnist")
    chosen = [
        draw.permutation(np.flatnonzero(labels == label))[: 2 * per_class]
        for label in range(len(CLASSES))
    ]
    train, held_out = np.concatenate([rows.reshape(2, -1) for rows in chosen], axis=1)
    return labelled(pixels[train], labels[train]), labelled(pixels[held_out], labels[held_out])


def labelled(pixels: NDArray[np.uint8], labels: NDArray[np.integer]) -> Images:
    """Return images uint8 N×1×28×28 and their labels N in the form that the pipeline takes."""
    return Images(pixels, labels.astype(np.int64), CLASSES, pd.DataFrame(index=range(len(labels))))


def _read(file: Path, header: int) -> NDArray[np.uint8]:
    try:
        content = gzip.decompress(file.read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"{file} is missing: get the training part of Fashion-MNIST (data/fashion of "
            f"zalandoresearch/fashion-mnist) and name its folder with --data"
        ) from None
    return np.frombuffer(content, np.uint8, offset=header)
