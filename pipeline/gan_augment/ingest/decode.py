"""From a picture in any format to a uint8 array of one size and one number of channels."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.ingest.sources.raw import RawImage
from gan_augment.params import MAX_SIDE, IngestParams

MIN_SIDE = 4
_ORIENTATION, _ON_ITS_SIDE = 0x0112, range(5, 9)
"""EXIF's tag, and its values that swap height and width."""
_GREY_MODES = ("1", "L", "LA", "La")
_GAP = 2
"""Pictures are shrunk in whole steps while they stay this many times too large, as Pillow's
thumbnails are: on photographs that differs by about a grey level (RMS) from resizing at once, and
comes several times sooner."""


class Rejected(Exception):  # noqa: N818
    """An image that fails a check; the message is the reason."""


class NoSize(Exception):  # noqa: N818
    """The images cannot all be stored at their own size, and `ingest.image_size` names none."""


class Decoded(NamedTuple):
    """An image that passes all checks.

    Attributes:
        pixels: uint8 C×H×W, a view of H×W×C.
        size: width and height before resizing, as the picture is seen.
        notes: what was done to it that its owner may want to know.
        bits: of a picture of 16-bit grey, how many the largest value takes.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]
    notes: tuple[str, ...]
    bits: int | None = None


def decode(raw: RawImage, params: IngestParams, bits: int = 16) -> Decoded:
    """Decode one image.

    EXIF orientation is applied, transparency is laid on white, of an animation the first frame is
    taken, and resizing is antialiased (Lanczos). Channels are 1 for grey pictures and 3 for others
    unless `params.channels` says.

    Args:
        raw: the image.
        params: of ingestion.
        bits: how many are in use in 16-bit grey; the largest value that they hold becomes 255.

    Raises:
        NoSize: it is larger than images are stored, and `params.image_size` is not set; known
            before it is decoded.
        Rejected: it has no label, too many or too few pixels, floating-point pixels, one colour
            only, or does not decode in full.
    """
    with _opened(raw, params) as picture:
        if params.image_size is None and max(picture.size) > MAX_SIDE:
            raise NoSize
        notes, size = _notes(picture), upright_size(picture)
        if params.image_size is not None:
            # A JPEG is decoded at a half, a quarter or an eighth, for any orientation.
            side = _GAP * max(params.image_size)
            picture.draft(None, (side, side))
        picture.load()
        ImageOps.exif_transpose(picture, in_place=True)
        deep = _deep(picture) if is_deep(picture) else None
        pixels = as_stored(picture, params, bits)
    # Scaled by more bits than are in use, a picture may come out flat and yet show something.
    shown = pixels if deep is None else deep[None]
    first = shown[:, :1, :1]
    if (shown[:, :1] == first).all() and (shown == first).all():
        raise Rejected("has one colour only")
    return Decoded(pixels, size, notes, None if deep is None else int(deep.max()).bit_length())


def as_stored(picture: Image.Image, params: IngestParams, bits: int = 16) -> NDArray[np.uint8]:
    """Return the pixels that are stored of an upright picture, uint8 C×H×W, as a view.

    Args:
        picture: of any mode.
        params: of ingestion.
        bits: as of `decode`.

    Raises:
        Rejected: it has floating-point pixels, or grey levels that need more bits.
    """
    if is_deep(picture):
        picture = Image.fromarray(_scaled(_deep(picture), bits))
    return table.channels_first(_resize(_mode(picture, params.channels), params))


def look(raw: RawImage, params: IngestParams) -> tuple[int, int]:
    """Return width and height of an image as it is seen, by its header.

    Raises:
        Rejected: it has no label, too many or too few pixels, or no header that is read.
    """
    with _opened(raw, params) as picture:
        return upright_size(picture)


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Return width and height of a picture as it is seen, without decoding it."""
    # To look for EXIF behind the pixels of a PNG, where it hardly ever is, would decode it; of a
    # TIFF Pillow gives the size as it is seen.
    late = picture.format == "PNG" and "exif" not in picture.info
    turned = picture.format != "TIFF" and not late and picture.getexif().get(_ORIENTATION)
    return picture.size[::-1] if turned in _ON_ITS_SIDE else picture.size


@contextmanager
def _opened(raw: RawImage, params: IngestParams) -> Iterator[Image.Image]:
    """Open an image of a size that is taken; whatever goes wrong with it rejects it."""
    if raw.label is None:
        raise Rejected("has no label")
    try:
        with raw.open() as picture:
            _within_bounds(picture.size, params)
            yield picture
    except (Rejected, NoSize, UserError):
        raise
    except UnidentifiedImageError:
        raise Rejected("is in no image format that is read") from None
    except OSError as error:
        raise Rejected(f"cannot be read: {error.strerror or error}") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on malformed files
        raise Rejected(f"cannot be decoded: {error or type(error).__name__}") from None


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
    if picture.format is None and picture.mode in ("L", "RGB"):
        return ()  # made from an array, which is plain
    unusual = {
        "palette": picture.mode in ("P", "PA"),
        "transparent": picture.has_transparency_data,
        "16-bit": is_deep(picture),
        "16 bits a channel, of which the upper 8 are read": _deep_colour(picture),
        "CMYK": picture.mode == "CMYK",
        # 1 is upright, 0 is written for unknown; other values mean nothing.
        "turned by EXIF": picture.getexif().get(_ORIENTATION) in range(2, 9),
        # The further pictures of an MPO are views or previews of the first.
        "animated, first frame taken": picture.format != "MPO"
        and getattr(picture, "is_animated", False),
    }
    return tuple(note for note, applies in unusual.items() if applies)


def _deep_colour(picture: Image.Image) -> bool:
    """Return whether a picture not decoded yet has 16 bits a channel, of which Pillow reads 8."""
    coding = [str(tile[3]) for tile in getattr(picture, "tile", ())]
    return not is_deep(picture) and any(";16" in how for how in coding)


def is_deep(picture: Image.Image) -> bool:
    """Return whether a picture is grey of more than 8 bits."""
    return picture.mode.startswith("I")


def _deep(picture: Image.Image) -> NDArray[np.int64]:
    """Return the values of a grey picture of more than 8 bits.

    Raises:
        Rejected: they need more than 16.
    """
    deep = np.asarray(picture)
    if deep.min() < 0 or deep.max() > 65535:
        raise Rejected(
            "has negative or 32-bit pixels, which have no agreed range: make it 8 or 16 bit"
        )
    return deep


def _scaled(deep: NDArray[np.int64], bits: int) -> NDArray[np.uint8]:
    """Return values of so many bits as 0…255.

    Raises:
        Rejected: they need more bits.
    """
    if deep.max() >= 2**bits:
        raise Rejected(
            f"has grey levels up to {deep.max()}, but the set's {bits} bits end at {2**bits - 1}: "
            "scale it as the set is scaled"
        )
    return (deep * (255 / (2**bits - 1))).round().astype(np.uint8)


def _mode(picture: Image.Image, channels: int | None) -> Image.Image:
    if picture.mode == "F":
        raise Rejected("has floating-point pixels, which have no agreed range: make it 8 or 16 bit")
    grey = channels == 1 or (channels is None and picture.mode in _GREY_MODES)
    if picture.has_transparency_data:
        picture = Image.alpha_composite(
            Image.new("RGBA", picture.size, "white"), picture.convert("RGBA")
        )
    mode = "L" if grey else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


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
