"""idx files, the format of MNIST and its kin."""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_augment.errors import UserError
from gan_augment.ingest.sources.labels import ordered
from gan_augment.ingest.sources.raw import Found, RawImage, Skipped, check_bytes, check_count, skip
from gan_augment.ingest.sources.splits import split_within
from gan_augment.ingest.sources.walk import matching
from gan_augment.params import IngestParams
from gan_augment.printable import readable

CHUNK, CHUNK_BYTES = 64, 2**24
"""Images that are read at a time, or fewer that hold so many bytes together: as many as a worker
takes at a time, to which they are then sent as one array."""
_UNSIGNED_BYTES = 8
PACKED = "gzipped, with the unpacked file beside it"


def idx(params: IngestParams) -> Found:
    """Return the images of all pairs of idx files in the folder `params.path`, gzipped or not.

    `train-images-idx3-ubyte` goes with `train-labels-idx1-ubyte`; what is named train, t10k or test
    has that published split. Of a file that is there gzipped and unpacked the latter is read.
    Classes are numbered as there, or named by `params.class_names`.

    Raises:
        UserError: no such files, files that do not belong together or that end early.
    """
    root = params.path
    files = [file for file in matching(root, params.files or "*") if _kind(file) == "images"]
    if not files:
        raise UserError(
            f"ingest.path = {str(root)!r}: holds no idx files such as train-images-idx3-ubyte.gz"
        )
    skipped: Skipped = {}
    pairs = [(file, _labels_of(file)) for file in _unpacked_first(files, root, skipped)]
    sizes = [_sizes(*pair, params) for pair in pairs]
    total = sum(count for count, _, _ in sizes)
    check_count(total, params, str(root))
    check_bytes(sum(map(prod, sizes)), params, root)
    classes = ordered({str(number) for _, labels in pairs for number in _numbers(labels)})
    images = (
        image for pair, size in zip(pairs, sizes, strict=True) for image in _pair(*pair, size)
    )
    return Found(total, images, classes, skipped=skipped)


def _kind(file: Path) -> str | None:
    found = re.search(r"(images|labels)[-.]idx[13]-ubyte(\.gz)?$", file.name)
    return found[1] if found else None


def _unpacked_first(files: list[Path], root: Path, skipped: Skipped) -> list[Path]:
    """Return the files without those that are among them unpacked, too, which are counted."""
    here, chosen = set(files), []
    for file in files:
        if file.suffix == ".gz" and file.with_suffix("") in here:
            skip(skipped, PACKED, readable(file.relative_to(root).as_posix()))
        else:
            chosen.append(file)
    return chosen


def _labels_of(images: Path) -> Path:
    """Return the labels that go with a file of images."""
    stem = images.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    for name in (stem, stem + ".gz"):
        if (images.parent / name).is_file():
            return images.parent / name
    raise UserError(f"{images} has no labels: put {stem} or {stem}.gz beside it")


def _numbers(labels: Path) -> set[int]:
    """Return the labels that occur in a file."""
    (count,) = _header(labels, 1)
    with _open(labels) as stream:
        stream.read(4 + 4)
        parts = [min(CHUNK, count - start) for start in range(0, count, CHUNK)]
        return {int(n) for part in parts for n in np.unique(_exactly(stream, (part,), labels))}


def _sizes(images: Path, labels: Path, params: IngestParams) -> tuple[int, int, int]:
    """Return the number of images of a pair of files, and their height and width."""
    (count, height, width), (labelled,) = _header(images, 3), _header(labels, 1)
    if count != labelled:
        raise UserError(f"{images} holds {count} images and {labels} {labelled} labels")
    if height * width > params.max_pixels:
        raise UserError(f"{images}: images of {width}×{height} pixels exceed ingest.max_pixels")
    return count, height, width


def _pair(images: Path, labels: Path, size: tuple[int, int, int]) -> Iterator[RawImage]:
    count, height, width = size
    most = max(1, min(CHUNK, CHUNK_BYTES // max(height * width, 1)))
    stem = images.name.split(".")[0].removesuffix("-idx3-ubyte")
    published = split_within(stem)
    with _open(images) as pixels, _open(labels) as classes:
        pixels.read(4 + 3 * 4)
        classes.read(4 + 4)
        for start in range(0, count, most):
            n = min(most, count - start)
            block = _exactly(pixels, (n, height, width), images)
            numbers = _exactly(classes, (n,), labels)
            for index, (image, number) in enumerate(zip(block, numbers, strict=True), start):
                opener = partial(_picture, block, index - start)
                name = f"{stem}/{index:05d}"
                yield RawImage(name, str(number), opener, published, held=image.nbytes)


def _picture(block: NDArray[np.uint8], index: int) -> Image.Image:
    return Image.fromarray(block[index])


def _header(file: Path, dimensions: int) -> tuple[int, ...]:
    """Return the sizes that an idx file of unsigned bytes declares."""
    with _open(file) as stream:
        magic = stream.read(4)
        if magic != bytes([0, 0, _UNSIGNED_BYTES, dimensions]):
            raise UserError(
                f"{file} is not an idx file of unsigned bytes in {dimensions} dimensions"
            )
        return tuple(_exactly(stream, (dimensions,), file, ">u4").tolist())


def _exactly(
    stream: BinaryIO | gzip.GzipFile, shape: tuple[int, ...], file: Path, kind: str = "u1"
) -> NDArray[Any]:
    size = prod(shape) * np.dtype(kind).itemsize
    content = stream.read(size)
    if len(content) < size:
        raise UserError(f"{file} ends before all that its header declares is read: fetch it again")
    return np.frombuffer(content, kind).reshape(shape)


@contextmanager
def _open(file: Path) -> Iterator[BinaryIO | gzip.GzipFile]:
    try:
        with file.open("rb") as stream:
            yield gzip.GzipFile(fileobj=stream) if file.suffix == ".gz" else stream
    except (gzip.BadGzipFile, zlib.error, EOFError, OSError) as error:
        raise UserError(f"{file} cannot be read ({error}): fetch it again") from None
