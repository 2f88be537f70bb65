"""An image before decoding, and what all sources share."""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from gan_augment.errors import UserError
from gan_augment.params import IngestParams
from gan_augment.table import SPLITS

_RASTER = (
    *("AVIF", "BMP", "DDS", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM"),
    *("SGI", "TGA", "TIFF", "WEBP", "XBM", "XPM"),
)
"""What is read, as far as Pillow was built with it. Other formats, such as EPS, start programs."""
MAX_FILE_BYTES = 2**28
"""The largest encoded image that is read from an archive or a table."""

SPLIT_NAMES = {name: name for name in SPLITS} | dict.fromkeys(["val", "valid", "dev"], "validation")
"""How sources name splits, and what we call them."""


@dataclass(frozen=True, slots=True)
class RawImage:
    """An image before decoding.

    Attributes:
        name: where it came from, unique within the source; `/` separates folders.
        label: name of its class, or None where the source gives none.
        open: returns the picture, undecoded where the format allows.
        split, group: what the source itself says, if anything.
    """

    name: str
    label: str | None
    open: Callable[[], Image.Image]
    split: str | None = None
    group: str | None = None


class Found(NamedTuple):
    """What a source holds.

    Attributes:
        total: the number of images.
        images: the images one after the other.
        portable: whether they pickle, at about the size of what they open.
    """

    total: int
    images: Iterator[RawImage]
    portable: bool = True


Source = Callable[[IngestParams], Found]


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _RASTER if name in Image.OPEN)


def open_file(path: Path) -> Image.Image:
    """Return the picture that a file holds, undecoded."""
    return Image.open(path, formats=_formats())


def open_bytes(content: bytes) -> Image.Image:
    """Return the picture that an encoded image holds, undecoded."""
    return Image.open(io.BytesIO(content), formats=_formats())


def not_too_large(size: int) -> None:
    """Refuse to open an encoded image of more than `MAX_FILE_BYTES` bytes, as `open` may.

    Raises:
        OSError: it is larger.
    """
    if size > MAX_FILE_BYTES:
        raise OSError(f"{size:,} bytes, more than {MAX_FILE_BYTES:,}")


@cache
def endings() -> frozenset[str]:
    """Return the file endings of the formats that are read, such as `.jpg`."""
    found = Image.registered_extensions()
    return frozenset(ending for ending, kind in found.items() if kind in (*_formats(), "MPO"))


def split_name(given: object, where: str) -> str | None:
    """Return the split that a source names, or None where it names none.

    Raises:
        UserError: it is no split; `where` says whose it is.
    """
    if given is None or given == "":
        return None
    try:
        return SPLIT_NAMES[str(given)]
    except KeyError:
        raise UserError(
            f"{where}: split {str(given)!r}; allowed: {', '.join(SPLITS)} "
            f"(or {', '.join(n for n in SPLIT_NAMES if n not in SPLITS)})"
        ) from None


def at_most(names: Iterable[str], params: IngestParams, where: str) -> list[str]:
    """Return the names as a list.

    Raises:
        UserError: there are more than `params.max_images`.
    """
    found = list(islice(names, params.max_images + 1))
    check_count(len(found), params, where)
    return found


def check_count(count: int, params: IngestParams, where: str) -> None:
    """Refuse more than `params.max_images` images.

    Raises:
        UserError: there are more.
    """
    if count > params.max_images:
        raise UserError(
            f"{where} holds more than {params.max_images:,} images: "
            "raise ingest.max_images if that is what you want"
        )
