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

SHEET_COLUMNS = 12
MOST_CLASSES = 20


class Picture(NamedTuple):
    """A PNG as a data URL, and its size in pixels."""

    url: str
    width: int
    height: int


def sheet(images: Images) -> Picture | None:
    """Return a row of images, drawn at random, for each of the first classes that have any."""
    rows = []
    counts = np.minimum(images.counts(), SHEET_COLUMNS)
    shown = subsample(images.labels, counts, 0, images.rows.get("group"))
    for label in np.unique(images.labels)[:MOST_CLASSES]:
        of_class = images.pixels[shown[images.labels[shown] == label]]
        blank = np.full((SHEET_COLUMNS - len(of_class), *of_class.shape[1:]), 255, np.uint8)
        rows.append(np.concatenate([of_class, blank]))
    if not rows:
        return None
    buffer = io.BytesIO()
    image = contact_sheet(np.concatenate(rows), SHEET_COLUMNS)
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
