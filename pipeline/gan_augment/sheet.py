"""Contact sheets: images in rows, and beside each row what it shows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gan_augment.table import picture

VISIBLE = 56
"""Pixels: smaller images are enlarged to that or more."""
FONT_SIZE = 14
MARGIN = 8
LONGEST = 28
"""Characters of a name that are shown."""


def contact_sheet(
    bands: Sequence[NDArray[np.uint8]], columns: int, names: Sequence[str] = ()
) -> Image.Image:
    """Lay out bands of images, each in lines of `columns`, with its name at the left.

    Where images are small, each pixel is drawn as a square of several.

    Args:
        bands: uint8 N×C×H×W each, all of one size; one without images takes a blank line.
        columns: images in a line.
        names: of the bands; none leaves the place beside them out.
    """
    _, channels, height, width = bands[0].shape
    lines = [max(-(-len(band) // columns), 1) for band in bands]
    gap = 1
    grid = np.full(
        (channels, sum(lines) * (height + gap) + gap, columns * (width + gap) + gap), 255, np.uint8
    )
    starts = np.cumsum([0, *lines[:-1]]).tolist()
    for start, band in zip(starts, bands, strict=True):
        for index, image in enumerate(band):
            top = gap + (start + index // columns) * (height + gap)
            left = gap + index % columns * (width + gap)
            grid[:, top : top + height, left : left + width] = image
    scale = max(1, -(-VISIBLE // max(height, width)))
    images = picture(grid.repeat(scale, axis=1).repeat(scale, axis=2))
    middles = [(start + 0.5) * (height + gap) * scale for start in starts]
    return _named(images, names, middles) if names else images


def _named(images: Image.Image, names: Sequence[str], middles: Sequence[float]) -> Image.Image:
    """Add names at the left, each at its height."""
    font = ImageFont.load_default(FONT_SIZE)
    shown = [_drawable(name, font) for name in names]
    beside = 2 * MARGIN + max(int(font.getlength(name)) for name in shown)
    sheet = Image.new(images.mode, (beside + images.width, images.height), "white")
    sheet.paste(images, (beside, 0))
    draw = ImageDraw.Draw(sheet)
    for name, middle in zip(shown, middles, strict=True):
        draw.text((MARGIN, middle), name, fill="black", font=font, anchor="lm")
    return sheet


def _drawable(name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Return a name on one line, cut where it is long; letters the font lacks as their code."""
    missing = bytes(font.getmask("\uffff"))
    letters = [
        letter if bytes(font.getmask(letter)) != missing else ascii(letter)[1:-1]
        for letter in " ".join(name.split())
    ]
    text = "".join(letters)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
