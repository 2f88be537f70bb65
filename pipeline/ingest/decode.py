"""From a picture in any format to a uint8 array of one size and one number of channels."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.errors import UserError
from pipeline.ingest.sources import RawImage
from pipeline.params import IngestParams

_GREY_MODES = ("1", "L", "I", "I;16", "I;16B", "F")


def decode(raw: RawImage, params: IngestParams) -> NDArray[np.uint8]:
    """Decode one image.

    EXIF orientation is applied, transparency is laid on white, 16-bit grey is scaled to 8 bits,
    and resizing is antialiased (Lanczos).

    Returns:
        uint8 C×H×W; C is 1 for grey pictures and 3 for others unless `params.channels` says.

    Raises:
        UserError: it does not decode, naming the file.
    """
    try:
        with raw.open() as picture:
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            image = _resize(_mode(upright, params.channels), params)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(
            f"{raw.name} is not a readable image ({error}): mend it or delete it"
        ) from None
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _mode(picture: Image.Image, channels: int | None) -> Image.Image:
    if picture.mode.startswith("I"):
        picture = Image.fromarray(
            (np.asarray(picture).clip(0, 65535) / 257).round().astype("uint8")
        )
    if picture.has_transparency_data:
        picture = Image.alpha_composite(
            Image.new("RGBA", picture.size, "white"), picture.convert("RGBA")
        ).convert("RGB" if picture.mode != "LA" else "L")
    grey = channels == 1 or (channels is None and picture.mode in _GREY_MODES)
    return picture.convert("L" if grey else "RGB")


def _resize(image: Image.Image, params: IngestParams) -> Image.Image:
    if params.image_size is None:
        return image
    height, width = params.image_size
    size = (width, height)
    if image.size == size:
        return image
    match params.fit:
        case "crop":
            return ImageOps.fit(image, size, Image.Resampling.LANCZOS)
        case "pad":
            return ImageOps.pad(image, size, Image.Resampling.LANCZOS)
        case "stretch":
            return image.resize(size, Image.Resampling.LANCZOS)
