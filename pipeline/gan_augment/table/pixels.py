"""One image: its PNG bytes, its hash, and a picture to look at."""

import hashlib
import io
import struct
import zlib
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_augment.errors import UserError

AGAIN = "run `gan-augment ingest` again, or get the table anew"
MOST_PIXELS = 2**24
"""Of an image in a table: a few kilobytes of PNG may say that they hold gigabytes."""
PNG_FILTER, PNG_COLOUR = {1: 0, 3: 1}, {1: 0, 3: 2}


def pixel_hash(sample: NDArray[Any]) -> str:
    """Return the hash of one sample's shape and values (uint8 C×H×W, float32 F), 32 hex digits."""
    shape = np.array(sample.shape, "<u4").tobytes()
    return hashlib.blake2b(shape + sample.tobytes(), digest_size=16).hexdigest()


def picture(image: NDArray[np.uint8]) -> Image.Image:
    """Return a Pillow image of a uint8 C×H×W array, C 1 or 3."""
    return Image.fromarray(
        image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
    )


def png(image: NDArray[np.uint8]) -> bytes:
    """Return a uint8 C×H×W image, C 1 or 3, as PNG bytes.

    Written here because Pillow's encoder takes twice as long on images of this size: one filter for
    all rows (none for grey, the difference to the pixel on the left for RGB) and zlib's strategy
    made for PNG (RFC 2083, sections 3 and 6). Intel's deflate takes a quarter of that, but now and
    then gives other bytes for the same pixels.
    """
    channels, height, width = image.shape
    flat = image.transpose(1, 2, 0).reshape(height, width * channels)
    rows = np.empty((height, 1 + width * channels), np.uint8)
    rows[:, 0], rows[:, 1:] = PNG_FILTER[channels], flat
    if PNG_FILTER[channels]:
        rows[:, 1 + channels :] -= flat[:, :-channels]
    header = struct.pack(">IIBBBBB", width, height, 8, PNG_COLOUR[channels], 0, 0, 0)
    deflate = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
    pixels = deflate.compress(rows.tobytes()) + deflate.flush()
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc32(kind + content))
        for kind, content in chunks
    )


def channels_last(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images N×C×H×W as others expect them: N×H×W if grey, N×H×W×3 if RGB."""
    return images[:, 0] if images.shape[1] == 1 else images.transpose(0, 2, 3, 1)


def from_png(content: bytes | None) -> NDArray[np.uint8]:
    """Return the uint8 C×H×W image that PNG bytes hold.

    Raises:
        UserError: as of `opened_png`, or it is damaged.
    """
    picture = opened_png(content)
    try:
        return channels_first(picture)
    except (OSError, SyntaxError, ValueError):  # whatever Pillow meets in it
        raise UserError(f"the table holds an image that cannot be decoded: {AGAIN}") from None


def opened_png(content: bytes | None) -> Image.Image:
    """Return the picture that PNG bytes hold, grey or RGB, undecoded.

    Nothing but PNG is looked at: of some formats Pillow starts programs, and tables come from
    anywhere.

    Raises:
        UserError: it is none, or has more than `MOST_PIXELS` pixels.
    """
    try:
        picture = Image.open(io.BytesIO(content or b""), formats=("PNG",))
    except (OSError, SyntaxError, TypeError, ValueError, Image.DecompressionBombError):
        raise UserError(f"the table holds an image that is no PNG of ours: {AGAIN}") from None
    if picture.width * picture.height > MOST_PIXELS or picture.mode not in ("L", "RGB"):
        raise UserError(
            f"the table holds an image of {picture.width}×{picture.height} pixels, mode "
            f"{picture.mode}, which no stage writes: {AGAIN}"
        )
    return picture


def channels_first(picture: Image.Image) -> NDArray[np.uint8]:
    """Return a grey or RGB picture as uint8 C×H×W, a view of H×W×C."""
    array = np.asarray(picture)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
