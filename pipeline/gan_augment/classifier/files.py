"""Files to classify: found, decoded as ingestion decodes them, and told of if that fails."""

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_augment.classifier.classifier import AT_ONCE, Classifier
from gan_augment.errors import UserError
from gan_augment.ingest.decode import Rejected, decode
from gan_augment.ingest.sources.formats import advice, endings, open_file
from gan_augment.ingest.sources.paths import is_rubbish
from gan_augment.ingest.sources.raw import HIDDEN, RawImage, Skipped, skip
from gan_augment.ingest.sources.walk import walk
from gan_augment.ingest.stored import DEEP, Stored
from gan_augment.printable import readable

NO_IMAGE = "no image by its ending"


class Said(NamedTuple):
    """What is said of a file: a class with its probability, or why nothing is."""

    path: Path
    probability: float = 0.0
    label: str = ""
    fault: str = ""

    @property
    def line(self) -> str:
        """What to print: file, class and probability with tabs between, or file and fault."""
        name = readable(str(self.path))
        if self.fault:
            return f"{name}: {self.fault}"
        return f"{name}\t{readable(self.label)}\t{self.probability:.3f}"


class Files(NamedTuple):
    """Files to classify, in order, and what was left aside in the folders that were named."""

    paths: list[Path]
    skipped: Skipped

    @property
    def told(self) -> list[str]:
        """What to say of what was left aside."""
        return [
            f"left aside: {number} × {reason}, such as {first}"
            for reason, (number, first) in self.skipped.items()
        ]


def find(places: Sequence[Path]) -> Files:
    """Return the files among `places`, and the images below the folders among them.

    Raises:
        UserError: a folder holds no image, or cannot be read.
    """
    found: list[Path] = []
    skipped: Skipped = {}
    for place in places:
        here = list(_below(place, skipped)) if place.is_dir() else [place]
        if not here:
            raise UserError(f"{place} holds no images")
        found += here
    return Files(found, skipped)


def _below(folder: Path, skipped: Skipped) -> Iterator[Path]:
    for name in sorted(walk(folder, skipped)):
        path = folder / name
        if is_rubbish(path.name):
            skip(skipped, HIDDEN, readable(name))
        elif (ending := path.suffix.lower()) not in endings() and advice(ending) is None:
            skip(skipped, NO_IMAGE, readable(name))
        else:
            yield path


def classify(classifier: Classifier, paths: Sequence[Path]) -> Iterator[Said]:
    """Yield what is said of each file, in order, some at a time.

    Raises:
        UserError: the backbone cannot be had, or has other weights.
    """
    # What ingestion takes at most is above the number at which Pillow warns.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    for start in range(0, len(paths), AT_ONCE):
        batch = paths[start : start + AT_ONCE]
        read = [_read(path, classifier.stored) for path in batch]
        pixels = [each for each in read if not isinstance(each, str)]
        scores = iter(classifier.of_pixels(np.stack(pixels)).tolist() if pixels else [])
        for path, each in zip(batch, read, strict=True):
            if isinstance(each, str):
                yield Said(path, fault=each)
                continue
            best = max(zip(next(scores), classifier.classes, strict=True), key=itemgetter(0))
            yield Said(path, *best)


def _read(path: Path, stored: Stored) -> NDArray[np.uint8] | str:
    """Return the pixels of a file, or why there are none."""
    try:
        raw = RawImage(str(path), "", partial(open_file, path))
        found = decode(raw, stored.params, stored.bits or 16)
    except Rejected as why:
        return str(why)
    return DEEP if found.bits and stored.bits is None else found.pixels
