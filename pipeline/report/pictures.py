"""Pictures inside the page: sheets of images and files of other stages, as data URLs."""

import base64
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from pipeline.sheet import contact_sheet
from pipeline.table import Images

SHEET_COLUMNS = 12
MOST_CLASSES = 20


class Picture(NamedTuple):
    """A PNG as a data URL, and its size in pixels."""

    url: str
    width: int
    height: int


def sheet(images: Images) -> Picture | None:
    """Return a row of images for each of the first classes that have any."""
    rows = []
    for label in np.unique(images.labels)[:MOST_CLASSES]:
        of_class = images.pixels[images.labels == label][:SHEET_COLUMNS]
        blank = np.full((SHEET_COLUMNS - len(of_class), *of_class.shape[1:]), 255, np.uint8)
        rows.append(np.concatenate([of_class, blank]))
    if not rows:
        return None
    return _embed(contact_sheet(np.concatenate(rows), SHEET_COLUMNS))


def of_file(path: Path) -> Picture | None:
    """Return a PNG of another stage, if it is there."""
    if not path.exists():
        return None
    with Image.open(path) as image:
        return _embed(image)


def _embed(image: Image.Image) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    return Picture(url, *image.size)
