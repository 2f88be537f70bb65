"""Which formats are read, how a picture is opened, and what to do about the others."""

import io
import socket
import stat
from functools import cache
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from gan_augment.errors import UserError

_RASTER = (
    *("AVIF", "BMP", "DDS", "DIB", "GIF", "HEIF", "JPEG", "JPEG2000", "PCX", "PNG", "PPM"),
    *("SGI", "TGA", "TIFF", "WEBP", "XBM", "XPM"),
)
"""What is read, as far as Pillow was built with it. Other formats, such as EPS, start programs, or,
such as ICO, are decoded as soon as they are opened, however large they are."""
MAX_FILE_BYTES = 2**28
"""The largest encoded image that is read from an archive or a table."""

HEIF = "install pillow-heif to read it (pip install 'gan-augment[heif]'), or save as JPEG or PNG"
_OTHERS = {
    HEIF: "heic heif hif",
    "save as PNG or TIFF of 8 or 16 bits": "dcm dicom nii nrrd mha czi nd2 lif svs exr hdr fits",
    "develop to JPEG or TIFF": "arw cr2 cr3 dng nef orf pef raf rw2 srw",
    "save as PNG or JPEG": "avif eps ico jxl psd svg wmf xcf jp2 j2k tif tiff webp",
}
_ADVICE = {f".{ending}": what for what, them in _OTHERS.items() for ending in them.split()}
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    try:
        import pillow_heif
    except ImportError:
        pass
    else:
        pillow_heif.register_heif_opener()
    return tuple(name for name in _RASTER if name in Image.OPEN)


@cache
def endings() -> frozenset[str]:
    """Return the file endings of the formats that are read, such as `.jpg`."""
    formats = (*_formats(), "MPO")
    return frozenset(e for e, kind in Image.registered_extensions().items() if kind in formats)


def advice(ending: str) -> str | None:
    """Return what to do about files of an ending that are images, but not read here, or None."""
    return None if ending in endings() else _ADVICE.get(ending)


def open_file(path: Path) -> Image.Image:
    """Return the picture that a file holds, undecoded.

    Raises:
        OSError: it is not there, not a regular file (a FIFO would wait for ever), or no picture.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a regular file")
    try:
        return Image.open(path, formats=_formats())
    except UnidentifiedImageError:
        with path.open("rb") as file:
            _refuse_heif(file.read(12))
        raise


def open_listed(path: Path) -> Image.Image:
    """Return the picture in a file that was there when the source was listed, undecoded.

    Raises:
        UserError: it is not there now, or not on the machine that this runs on: no bad image.
        OSError: it is not a regular file, or no picture.
    """
    try:
        return open_file(path)
    except FileNotFoundError:
        raise UserError(
            f"{path} was there when the images were listed, and is not on {socket.gethostname()}: "
            "each machine of a cluster needs the images at the same path; on one machine, run "
            "again while nothing moves them"
        ) from None


def open_bytes(content: bytes) -> Image.Image:
    """Return the picture that an encoded image holds, undecoded.

    Raises:
        OSError: it is no picture.
    """
    try:
        return Image.open(io.BytesIO(content), formats=_formats())
    except UnidentifiedImageError:
        _refuse_heif(content[:12])
        raise


def _refuse_heif(head: bytes) -> None:
    """Name a HEIC photograph, which cameras and exports often call .jpg."""
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        raise OSError(f"it is a HEIC photograph, whatever its name: {HEIF}") from None


def not_too_large(size: int) -> None:
    """Refuse to open an encoded image of more than `MAX_FILE_BYTES` bytes, as `open` may.

    Raises:
        OSError: it is larger.
    """
    if size > MAX_FILE_BYTES:
        raise OSError(f"{size:,} bytes, more than {MAX_FILE_BYTES:,}")
