import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import UserError
from pipeline.ingest.decode import decode
from pipeline.ingest.sources import RawImage
from pipeline.params import IngestParams

GRADIENT = np.linspace(0, 255, 16 * 12).reshape(12, 16).astype(np.uint8)


def raw(picture: Image.Image) -> RawImage:
    return RawImage("x.png", "a", lambda: picture)


def test_grey_and_colour_keep_their_channels() -> None:
    np.testing.assert_array_equal(
        decode(raw(Image.fromarray(GRADIENT)), IngestParams()), GRADIENT[None]
    )
    colour = np.stack([GRADIENT, GRADIENT[::-1], GRADIENT[:, ::-1]], axis=2)
    decoded = decode(raw(Image.fromarray(colour)), IngestParams())
    np.testing.assert_array_equal(decoded, colour.transpose(2, 0, 1))
    assert decode(raw(Image.fromarray(colour)), IngestParams(channels=1)).shape == (1, 12, 16)


def test_sixteen_bits_are_scaled_to_eight() -> None:
    deep = Image.fromarray(GRADIENT.astype(np.uint16) * 257)
    np.testing.assert_array_equal(decode(raw(deep), IngestParams()), GRADIENT[None])


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert (decode(raw(clear), IngestParams()) == 255).all()
    palette = Image.new("P", (4, 4), 0)
    palette.info["transparency"] = 0
    assert (decode(raw(palette), IngestParams(channels=1)) == 255).all()


def test_exif_orientation_is_applied() -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(GRADIENT).save(buffer, "PNG", exif=exif)
    turned = decode(raw(Image.open(buffer)), IngestParams())
    np.testing.assert_array_equal(turned[0], np.rot90(GRADIENT, -1))


@pytest.mark.parametrize(("fit", "corner"), [("crop", 255), ("pad", 0), ("stretch", 255)])
def test_other_aspect_ratios(fit: str, corner: int) -> None:
    white = Image.new("L", (40, 20), 255)
    decoded = decode(raw(white), IngestParams(image_size=(8, 8), fit=fit))  # type: ignore[arg-type]
    assert decoded.shape == (1, 8, 8)
    assert decoded[0, 0, 0] == corner
    assert decoded[0, 4, 4] == 255


def test_what_does_not_decode_is_named(tmp_path: Path) -> None:
    Image.fromarray(GRADIENT).save(tmp_path / "x.png")
    whole = (tmp_path / "x.png").read_bytes()
    for content in (b"", b"not an image", whole[: len(whole) // 2]):
        (tmp_path / "x.png").write_bytes(content)
        with pytest.raises(UserError, match=r"x\.png is not a readable image .* delete it"):
            decode(RawImage("x.png", "a", lambda: Image.open(tmp_path / "x.png")), IngestParams())
