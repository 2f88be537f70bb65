"""Contact sheets: images in rows, and beside each row what it shows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gan_augment.table import picture

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
VISIBLE = 56
"""Pixels a side from which on one can see what an image among others shows,"""
ALONE = 256
"""and one alone."""
GAP = 2
"""Pixels between images, and around them."""
FONT_SIZE = 14
FONT_SHARE = 1 / 8
"""Of the height of images that are large, as what shows them may make them smaller."""
LONGEST = 28
"""Characters of a name that are shown."""


def contact_sheet(
    bands: Sequence[NDArray[np.uint8]],
    columns: int,
    names: Sequence[str] = (),
    visible: int = VISIBLE,
) -> Image.Image:
    """Lay out bands of images, each in lines of `columns`, with its name at the left.

    Where images are small, each pixel is drawn as a square of several.

    Args:
        bands: uint8 N×C×H×W each, all of one size; one without images takes a blank line.
        columns: images in a line.
        names: of the bands; none leaves the place beside them out.
        visible: pixels a side; smaller images are enlarged to that or more.
    """
    _, channels, *size = bands[0].shape
    scale = enlargement(max(size), visible)
    height, width = (side * scale + GAP for side in size)
    lines = [max(-(-len(band) // columns), 1) for band in bands]
    grid = np.full((channels, sum(lines) * height + GAP, columns * width + GAP), 255, np.uint8)
    starts = np.cumsum([0, *lines[:-1]]).tolist()
    for start, band in zip(starts, bands, strict=True):
        for index, image in enumerate(band.repeat(scale, axis=2).repeat(scale, axis=3)):
            top, left = (start + index // columns) * height, index % columns * width
            grid[:, top + GAP : top + height, left + GAP : left + width] = image
    images = picture(grid)
    font = ImageFont.load_default(max(FONT_SIZE, height * FONT_SHARE))
    middles = [(start + 0.5) * height for start in starts]
    return _named(images, names, middles, font) if names else images


def enlargement(side: int, visible: int = VISIBLE) -> int:
    """Return how many pixels wide and high a pixel of an image is drawn, by its longer side."""
    return max(1, -(-visible // side))


def _named(
    images: Image.Image, names: Sequence[str], middles: Sequence[float], font: Font
) -> Image.Image:
    """Add names at the left, each at its height."""
    shown = [_drawable(name, font) for name in names]
    margin = int(font.getlength("n"))
    beside = 2 * margin + max(int(font.getlength(name)) for name in shown)
    sheet = Image.new(images.mode, (beside + images.width, images.height), "white")
    sheet.paste(images, (beside, 0))
    draw = ImageDraw.Draw(sheet)
    for name, middle in zip(shown, middles, strict=True):
        draw.text((margin, middle), name, fill="black", font=font, anchor="lm")
    return sheet


def _drawable(name: str, font: Font) -> str:
    """Return a name on one line, cut where it is long; letters the font lacks as their code."""
    missing = bytes(font.getmask("\uffff"))
    letters = [
        letter if bytes(font.getmask(letter)) != missing else ascii(letter)[1:-1]
        for letter in " ".join(name.split())
    ]
    text = "".join(letters)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
