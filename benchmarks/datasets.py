"""Small labelled sets for benchmarks: few training images of each class, others held out.

Those of Fashion-MNIST (Xiao et al. 2017) come from the 60,000 images of the published training
file; the test file (t10k) stays closed.
"""

import gzip
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gan_augment.errors import UserError
from gan_augment.seeding import rng
from gan_augment.table import Images

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


def digits(_: Path | None, per_class: int, seed: int) -> tuple[Images, Images]:
    """Return training and held-out 8×8 digits of scikit-learn, up to 87 of each class in either."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = (images.reshape(-1, 1, 8, 8) * 255 / 16).round().astype(np.uint8)
    return _halves(pixels, labels, tuple("0123456789"), per_class, seed)


def fashion_mnist(folder: Path | None, per_class: int, seed: int) -> tuple[Images, Images]:
    """Return training and held-out 28×28 images of clothes, up to 3,000 of each class in either.

    Args:
        folder: where the two gzipped files of the training part are; if None, `fashion-mnist` in
            the folder that the environment variable `GAN_AUGMENT_DATASETS` names.
        per_class: how many of each class.
        seed: chooses the images.

    Raises:
        UserError: the files are not there.
    """
    folder = folder or Path(os.environ.get(FOLDER, "")) / "fashion-mnist"
    pixels, labels = _read(folder / IMAGES, 16).reshape(-1, 1, 28, 28), _read(folder / LABELS, 8)
    return _halves(pixels, labels, CLASSES, per_class, seed)


DATASETS = {"digits": digits, "fashion-mnist": fashion_mnist}


def labelled(
    pixels: NDArray[np.uint8], labels: NDArray[np.integer], classes: tuple[str, ...]
) -> Images:
    """Return images uint8 N×C×H×W and their labels N in the form that the pipeline takes."""
    return Images(pixels, labels.astype(np.int64), classes, pd.DataFrame(index=range(len(labels))))


def only(images: Images, classes: range) -> Images:
    """Return the images of some classes in sequence, relabelled from 0."""
    rows = np.isin(images.labels, classes)
    names = tuple(images.classes[label] for label in classes)
    return labelled(images.pixels[rows], images.labels[rows] - classes.start, names)


def first(images: Images, counts: int | Sequence[int]) -> Images:
    """Return the first images of each class, so many, a fair sample: sets come in random order."""
    wanted = np.broadcast_to(counts, len(images.classes))
    each = [np.flatnonzero(images.labels == label)[:n] for label, n in enumerate(wanted)]
    return images.select(np.concatenate(each))


def _halves(
    pixels: NDArray[np.uint8],
    labels: NDArray[np.integer],
    classes: tuple[str, ...],
    per_class: int,
    seed: int,
) -> tuple[Images, Images]:
    """Return two disjoint draws of `per_class` images of each class."""
    draw = rng(seed, "halves")
    chosen = [
        draw.permutation(np.flatnonzero(labels == label))[: 2 * per_class]
        for label in range(len(classes))
    ]
    train, held_out = np.concatenate([rows.reshape(2, -1) for rows in chosen], axis=1)
    return (
        labelled(pixels[train], labels[train], classes),
        labelled(pixels[held_out], labels[held_out], classes),
    )


def _read(file: Path, header: int) -> NDArray[np.uint8]:
    try:
        content = gzip.decompress(file.read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"{file} is missing: get the training part of Fashion-MNIST (data/fashion of "
            f"zalandoresearch/fashion-mnist) and name the folder that holds fashion-mnist/ in "
            f"{FOLDER}"
        ) from None
    return np.frombuffer(content, np.uint8, offset=header)
