"""Pictures inside the page: sheets of images and files of other stages, as data URLs."""

import base64
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from gan_augment.sheet import contact_sheet
from gan_augment.subsample import subsample
from gan_augment.table import Images

STRIP_COLUMNS = 6
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
    counts = np.zeros(len(images.classes), np.int64)
    counts[label] = STRIP_COLUMNS
    shown = subsample(images.labels, counts, 0, images.rows.get("group"))
    if not len(shown):
        return None
    return _picture(contact_sheet([images.pixels[shown]], STRIP_COLUMNS))


def _picture(image: Image.Image) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return Picture(data_url(buffer.getvalue()), *image.size)


def of_file(path: Path) -> Picture | None:
    """Return a PNG of another stage, if it is there."""
    if not path.exists():
        return None
    with Image.open(path) as image:
        return Picture(data_url(path.read_bytes()), *image.size)


def data_url(png: bytes) -> str:
    """Return a PNG as a URL that holds all of it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
