"""Contact sheets: a row of images a class."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_augment.table import picture

SHEET_WIDTH = 640


def contact_sheet(pixels: NDArray[np.uint8], columns: int) -> Image.Image:
    """Lay out uint8 images N×C×H×W in rows of `columns`, enlarged by a whole factor where small."""
    count, channels, height, width = pixels.shape
    rows = -(-count // columns)
    gap = 1
    sheet = np.full(
        (channels, rows * (height + gap) + gap, columns * (width + gap) + gap), 255, np.uint8
    )
    for index, image in enumerate(pixels):
        top = gap + index // columns * (height + gap)
        left = gap + index % columns * (width + gap)
        sheet[:, top : top + height, left : left + width] = image
    scale = max(1, SHEET_WIDTH // sheet.shape[2])
    return picture(sheet.repeat(scale, axis=1).repeat(scale, axis=2))
