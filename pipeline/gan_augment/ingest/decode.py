"""From a picture in any format to a uint8 array of one size and one number of channels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from gan_augment.ingest.sources.raw import RawImage
from gan_augment.params import IngestParams

MIN_SIDE = 4
_GREY_MODES = ("1", "L", "LA", "La")
_GAP = 2
"""Pictures are shrunk in whole steps while they stay this many times too large, as Pillow's
thumbnails are: on photographs that differs by about a grey level (RMS) from resizing at once, and
comes several times sooner."""


class Rejected(Exception):  # noqa: N818
    """An image that fails a check; the message is the reason."""


class Decoded(NamedTuple):
    """An image that passes all checks.

    Attributes:
        pixels: uint8 C×H×W.
        size: width and height before resizing.
        notes: what was done to it that its owner may want to know.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]
    notes: tuple[str, ...]


def decode(raw: RawImage, params: IngestParams) -> Decoded:
    """Decode one image.

    EXIF orientation is applied, transparency is laid on white, 16-bit grey is scaled to 8 bits,
    of an animation the first frame is taken, and resizing is antialiased (Lanczos). Channels are 1
    for grey pictures and 3 for others unless `params.channels` says.

    Raises:
        Rejected: it has no label, too many or too few pixels, floating-point pixels, one colour
            only, or does not decode in full.
    """
    if raw.label is None:
        raise Rejected("has no label")
    try:
        with raw.open() as picture:
            size = picture.size
            _within_bounds(size, params)
            notes = _notes(picture)
            if params.image_size is not None:
                # A JPEG is decoded at a half, a quarter or an eighth, for any orientation.
                side = _GAP * max(params.image_size)
                picture.draft(None, (side, side))
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            image = _resize(_mode(upright, params.channels), params)
    except Rejected:
        raise
    except UnidentifiedImageError:
        raise Rejected("is in no image format that is read") from None
    except OSError as error:
        raise Rejected(f"cannot be read: {error.strerror or error}") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on malformed files
        raise Rejected(f"cannot be decoded: {error or type(error).__name__}") from None
    pixels = np.asarray(image)
    if (pixels == pixels[0, 0]).all():
        raise Rejected("has one colour only")
    planes = pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
    return Decoded(planes, size, notes)


def _within_bounds(size: tuple[int, int], params: IngestParams) -> None:
    width, height = size
    if width * height > params.max_pixels:
        raise Rejected(
            f"has {width}×{height} pixels, more than ingest.max_pixels = {params.max_pixels:,}"
        )
    if min(size) < MIN_SIDE:
        raise Rejected(f"has {width}×{height} pixels, fewer than {MIN_SIDE} a side")


def _notes(picture: Image.Image) -> tuple[str, ...]:
    """Say what is unusual about a picture that is not decoded yet."""
    unusual = {
        "palette": picture.mode in ("P", "PA"),
        "transparent": picture.has_transparency_data,
        "16-bit": picture.mode.startswith("I"),
        "CMYK": picture.mode == "CMYK",
        "turned by EXIF": picture.getexif().get(0x0112, 1) != 1,
        # The further pictures of an MPO are views or previews of the first.
        "animated, first frame taken": picture.format != "MPO"
        and getattr(picture, "is_animated", False),
    }
    return tuple(note for note, applies in unusual.items() if applies)


def _mode(picture: Image.Image, channels: int | None) -> Image.Image:
    if picture.mode == "F":
        raise Rejected("has floating-point pixels, which have no agreed range: make it 8 or 16 bit")
    if picture.mode.startswith("I"):
        deep = np.asarray(picture)
        if deep.min() < 0 or deep.max() > 65535:
            raise Rejected("has 32-bit pixels, which have no agreed range: make it 8 or 16 bit")
        picture = Image.fromarray((deep / 257).round().astype("uint8"))
    grey = channels == 1 or (channels is None and picture.mode in _GREY_MODES)
    if picture.has_transparency_data:
        picture = Image.alpha_composite(
            Image.new("RGBA", picture.size, "white"), picture.convert("RGBA")
        )
    return picture.convert("L" if grey else "RGB")


def _resize(image: Image.Image, params: IngestParams) -> Image.Image:
    if params.image_size is None:
        return image
    height, width = params.image_size
    size = (width, height)
    if image.size == size:
        return image
    steps = min(image.width // (_GAP * width), image.height // (_GAP * height))
    if steps > 1:
        image = image.reduce(steps)
    match params.fit:
        case "crop":
            return ImageOps.fit(image, size, Image.Resampling.LANCZOS)
        case "pad":
            return ImageOps.pad(image, size, Image.Resampling.LANCZOS)
        case "stretch":
            return image.resize(size, Image.Resampling.LANCZOS)
