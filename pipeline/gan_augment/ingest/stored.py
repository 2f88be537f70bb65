"""How the images of a table are stored, so that others can be brought to the same form."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pydantic import BaseModel, ConfigDict, Field

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.ingest.decode import Rejected, as_stored, is_deep
from gan_augment.params import MAX_PIXELS, IngestParams, Size

DEEP = "has 16 bits of grey, and the images it was trained on had 8: save it with 8"
"""What is said of an image whose scale nobody knows."""


class Stored(BaseModel):
    """How images are stored before anything looks at them, as `ingest` does it.

    Attributes:
        size: height and width in pixels.
        channels: 1 grey, 3 RGB.
        fit: what happens to other aspect ratios.
        bits: of 16-bit grey, how many become 8; None if there was none to train on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Size
    channels: Literal[1, 3]
    fit: table.Fit
    bits: Annotated[int, Field(ge=8, le=16)] | None = None

    @cached_property
    def params(self) -> IngestParams:
        """What `ingest` was told, or found out; pictures may be as large as any that it takes."""
        return IngestParams(
            image_size=self.size, channels=self.channels, fit=self.fit, max_pixels=MAX_PIXELS
        )

    def pixels(self, image: Image.Image, name: str) -> NDArray[np.uint8]:
        """Return the pixels of an image that is stored so, uint8 C×H×W.

        Args:
            image: of any size and mode; EXIF's orientation is applied.
            name: what it is called in errors.

        Raises:
            UserError: it is 16-bit grey where there was none to train on, or needs more bits.
        """
        if is_deep(image) and self.bits is None:
            raise UserError(f"{name} {DEEP}")
        try:
            return as_stored(ImageOps.exif_transpose(image), self.params, self.bits or 16)
        except Rejected as why:
            raise UserError(f"{name} {why}") from None


def stored(path: Path) -> Stored:
    """Return how the images of a table are stored; the first row is a real one, with an image."""
    channels, height, width = table.from_png(table.Rows(table.shards(path)).png(0)).shape
    return Stored(
        size=(height, width),
        channels=1 if channels == 1 else 3,
        fit=table.fit(path),
        bits=table.bits(path),
    )
