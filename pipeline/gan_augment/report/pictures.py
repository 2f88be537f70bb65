"""Pictures inside the page: sheets of images and files of other stages, as data URLs."""

import base64
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from gan_augment.errors import UserError, reason
from gan_augment.sheet import GAP, contact_sheet, enlargement
from gan_augment.subsample import subsample
from gan_augment.table import Images

STRIP_WIDTH = 360
"""Pixels: two beside a class's name fit on a page."""
LARGEST = 86
"""Pixels a side, to which larger images are reduced in strips."""
WIDEST = 1280
"""Pixels, to which pictures of other stages are reduced."""
MOST_CLASSES = 20


class Picture(NamedTuple):
    """A PNG as a data URL, and its size in pixels."""

    url: str
    width: int
    height: int


class Strips(NamedTuple):
    """Some images of one class: real ones, and synthetic ones, if it got any."""

    name: str
    real: Picture | None
    synthetic: Picture | None


def strips(real: Images, synthetic: Images) -> list[Strips]:
    """Return some images of each of the first classes, drawn at random."""
    return [
        Strips(name, *(_strip(images, label) for images in (real, synthetic)))
        for label, name in enumerate(real.classes[:MOST_CLASSES])
    ]


def _strip(images: Images, label: int) -> Picture | None:
    if images.space:  # features have no picture
        return None
    side = max(images.pixels.shape[2:])
    shown_side = min(side * enlargement(side), LARGEST) + GAP
    counts = np.zeros(len(images.classes), np.int64)
    counts[label] = (STRIP_WIDTH - GAP) // shown_side
    shown = subsample(images.labels, counts, 0, images.rows.get("group"))
    if not len(shown):
        return None
    strip = contact_sheet([images.pixels[shown]], len(shown))
    return _picture(_within(strip, len(shown) * shown_side + GAP))


def _within(image: Image.Image, width: int) -> Image.Image:
    """Return an image, reduced if it is wider than that."""
    return ImageOps.contain(image, (width, image.height)) if image.width > width else image


def _picture(image: Image.Image) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return Picture(data_url(buffer.getvalue()), *image.size)


def of_file(path: Path) -> Picture | None:
    """Return a PNG of another stage, if it is there; smaller, if it is wide.

    Raises:
        UserError: it is cut off or damaged.
    """
    if not path.exists():
        return None
    try:
        with Image.open(path) as image:
            return _picture(_within(image, WIDEST))
    except (OSError, SyntaxError, ValueError) as error:  # whatever Pillow meets in it
        raise UserError(
            f"{path} is no readable picture ({reason(error)}): run `dvc repro`"
        ) from None


def data_url(png: bytes) -> str:
    """Return a PNG as a URL that holds all of it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
