"""`load_classifier`: the classifier that was trained on a set, wherever it is."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gan_augment.data.source import locate

if TYPE_CHECKING:
    from gan_augment.classifier.classifier import Classifier


def load_classifier(
    source: str | os.PathLike[str],
    version: str | None = None,
    *,
    artifact: str = "classifier",
    weights: Path | None = None,
) -> "Classifier":
    """Open a classifier of images. No file of it runs code.

    >>> from PIL import Image
    >>> from gan_augment import load, load_classifier
    >>> classifier = load_classifier("models/classifier")
    >>> classifier
    mlp of 10 classes by pixels: models/classifier
    >>> data = load("data/augmented", split="test")
    >>> photographs = [data.image(row) for row in range(3)]
    >>> classifier.predict(photographs), [data.classes[label] for label in data.labels[:3]]
    (['0', '1', '2'], ['0', '1', '2'])
    >>> classifier.probabilities(photographs).shape
    (3, 10)

    Args:
        source: a folder; the address of one, such as s3://bucket/classifier (what fsspec reads); or
            a git repository in which versions are published, its address or a folder.
        version: a tag of the repository, such as v1.2.0; by default the latest.
        artifact: which of the repository's artifacts, by its name in dvc.yaml.
        weights: the file with the weights of its backbone, where they came from one.

    Raises:
        UserError: there is no such place or version, it is no classifier or not whole, or it cannot
            be reached.
    """
    from gan_augment.classifier import model
    from gan_augment.classifier.classifier import Classifier

    files = model.CONFIG, model.WEIGHTS
    return Classifier(locate(source, version, files, artifact), weights)
