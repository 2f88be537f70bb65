import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_augment.ingest.decode import NoSize, Rejected, decode, look
from gan_augment.ingest.sources.raw import RawImage
from gan_augment.params import IngestParams

GRADIENT = np.linspace(0, 255, 16 * 12).reshape(12, 16).astype(np.uint8)
COLOUR = np.stack([GRADIENT, GRADIENT[::-1], GRADIENT[:, ::-1]], axis=2)


def raw(picture: Image.Image) -> RawImage:
    return RawImage("x.png", "a", lambda: picture)


def pixels(picture: Image.Image, **params: object) -> np.ndarray:
    return decode(raw(picture), IngestParams.model_validate(params)).pixels


def saved(picture: Image.Image, kind: str, **options: object) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return Image.open(buffer)


def test_grey_and_colour_keep_their_channels() -> None:
    np.testing.assert_array_equal(pixels(Image.fromarray(GRADIENT)), GRADIENT[None])
    np.testing.assert_array_equal(pixels(Image.fromarray(COLOUR)), COLOUR.transpose(2, 0, 1))
    assert pixels(Image.fromarray(COLOUR), channels=1).shape == (1, 12, 16)
    assert pixels(Image.fromarray(GRADIENT), channels=3).shape == (3, 12, 16)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(kind: str) -> None:
    deep = saved(Image.fromarray(GRADIENT.astype(np.uint16) * 257), kind)
    decoded = decode(raw(deep), IngestParams())
    np.testing.assert_array_equal(decoded.pixels, GRADIENT[None])
    assert decoded.notes == ("16-bit",)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_sixteen_bits_are_scaled_by_those_in_use(bits: int) -> None:
    most = 2**bits - 1
    values = np.linspace(0, most, 16 * 12).round().reshape(12, 16)
    for picture in (
        Image.fromarray(values.astype(np.uint16)),
        Image.fromarray(values.astype("i4")),
    ):
        decoded = decode(raw(picture), IngestParams(), bits)
        assert decoded.bits == bits
        np.testing.assert_array_equal(decoded.pixels[0], (values * 255 / most).round())
    assert decode(raw(Image.fromarray(GRADIENT)), IngestParams()).bits is None


def test_deep_grey_that_comes_out_flat_is_not_called_so() -> None:
    faint = Image.fromarray((GRADIENT // 16).astype(np.uint16))
    decoded = decode(raw(faint), IngestParams())
    assert (decoded.pixels == 0).all()
    assert decoded.bits == 4


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_fewer_bits_than_eight_fill_the_range(bits: int) -> None:
    values = np.arange(64).reshape(8, 8) % 2**bits
    rows = b"".join(
        b"\0"
        + np.packbits([bit for v in row for bit in f"{v:0{bits}b}"] == np.array("1")).tobytes()
        for row in values
    )
    decoded = decode(raw(grey_png(rows, 8, bits)), IngestParams())
    np.testing.assert_array_equal(decoded.pixels[0], values * (255 // (2**bits - 1)))
    assert decoded.notes == ()


def grey_png(rows: bytes, side: int, bits: int, kind: int = 0) -> Image.Image:
    """Return a square PNG of unfiltered rows, each with its filter byte in front."""

    def chunk(name: bytes, content: bytes) -> bytes:
        sum_ = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + sum_

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, bits, kind, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return Image.open(io.BytesIO(b"\x89PNG\r\n\x1a\n" + head + body))


@pytest.mark.parametrize(("kind", "planes"), [(2, 3), (6, 4), (4, 2)])
def test_of_sixteen_bits_a_channel_the_upper_eight_are_read(kind: int, planes: int) -> None:
    values = np.full((8, 8, planes), 65535, ">u2")
    values[..., 0] = np.arange(64).reshape(8, 8) * 1024
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    decoded = decode(raw(grey_png(rows, 8, 16, kind)), IngestParams())
    np.testing.assert_array_equal(decoded.pixels[0], values[..., 0] >> 8)
    assert "16 bits a channel, of which the upper 8 are read" in decoded.notes


def test_transparency_is_laid_on_white() -> None:
    half = Image.fromarray(np.dstack([COLOUR, np.full_like(GRADIENT, 255)]))
    half.paste((255, 0, 0, 0), (0, 0, 8, 12))
    decoded = pixels(half)
    assert (decoded[:, :, :8] == 255).all()
    np.testing.assert_array_equal(decoded[:, :, 8:], COLOUR.transpose(2, 0, 1)[:, :, 8:])
    clear = Image.fromarray(np.dstack([GRADIENT, GRADIENT]))
    assert clear.mode == "LA"
    assert pixels(clear).shape == (1, 12, 16)
    assert decode(raw(clear), IngestParams()).notes == ("transparent",)


def test_a_palette_becomes_its_colours() -> None:
    palette = saved(Image.fromarray(COLOUR).quantize(16), "GIF")
    decoded = decode(raw(palette), IngestParams())
    assert decoded.notes == ("palette",)
    assert decoded.pixels.shape == (3, 12, 16)
    assert abs(decoded.pixels.astype(int) - COLOUR.transpose(2, 0, 1)).mean() < 16


def test_cmyk_becomes_rgb() -> None:
    ink = saved(Image.new("CMYK", (16, 12), (255, 0, 0, 0)), "TIFF")
    ink.load()
    ink.putpixel((0, 0), (0, 0, 0, 0))
    decoded = decode(raw(ink), IngestParams())
    assert decoded.notes == ("CMYK",)
    assert decoded.pixels[:, 5, 5].tolist() == [0, 255, 255]


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    turned = decode(raw(saved(Image.fromarray(GRADIENT), "PNG", exif=exif)), IngestParams())
    np.testing.assert_array_equal(turned.pixels[0], np.rot90(GRADIENT, -1))
    assert turned.notes == ("turned by EXIF",)


@pytest.mark.parametrize("orientation", [0, 1, 9, 255, None])
def test_an_orientation_that_means_nothing_turns_nothing(orientation: int | None) -> None:
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    decoded = decode(raw(saved(Image.fromarray(GRADIENT), "PNG", exif=exif)), IngestParams())
    np.testing.assert_array_equal(decoded.pixels[0], GRADIENT)
    assert decoded.notes == ()


def test_a_large_image_without_a_size_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    large = Image.new("L", (600, 400))
    monkeypatch.setattr(large, "load", lambda: pytest.fail("decoded"))
    with pytest.raises(NoSize):
        decode(raw(large), IngestParams())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize(("orientation", "size"), [(6, (30, 40)), (3, (40, 30)), (255, (40, 30))])
def test_the_size_of_a_picture_is_known_by_its_header(
    kind: str, orientation: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = saved(Image.linear_gradient("L").resize((40, 30)), kind, exif=exif)
    assert decode(raw(picture), IngestParams()).size == size
    picture = saved(Image.linear_gradient("L").resize((40, 30)), kind, exif=exif)
    monkeypatch.setattr(picture, "load", lambda: pytest.fail("decoded"))
    assert look(raw(picture), IngestParams()) == size


def test_the_size_of_a_png_without_exif_is_known_by_its_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture = saved(Image.linear_gradient("L").resize((40, 30)), "PNG")
    monkeypatch.setattr(picture, "load", lambda: pytest.fail("decoded"))
    assert look(raw(picture), IngestParams()) == (40, 30)
    with pytest.raises(Rejected, match="more than ingest.max_pixels"):
        look(raw(picture), IngestParams(max_pixels=1000))


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.fromarray(GRADIENT), Image.fromarray(GRADIENT[::-1])]
    animation = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    decoded = decode(raw(animation), IngestParams(channels=1))
    np.testing.assert_array_equal(decoded.pixels[0], GRADIENT)
    assert "animated, first frame taken" in decoded.notes


@pytest.mark.parametrize(("fit", "corner"), [("crop", 255), ("pad", 0), ("stretch", 255)])
def test_other_aspect_ratios(fit: str, corner: int) -> None:
    white = Image.new("L", (40, 20), 255)
    white.paste(128, (19, 9, 21, 11))
    decoded = pixels(white, image_size=8, fit=fit)
    assert decoded.shape == (1, 8, 8)
    assert decoded[0, 0, 0] == corner
    assert decoded[0, 4, 1] >= 250


def test_shrinking_in_steps_is_as_good_as_at_once() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8)
    photo = Image.fromarray(noise).resize((900, 700), Image.Resampling.BICUBIC)
    fair = photo.resize((32, 32), Image.Resampling.LANCZOS)
    for kind, options in (("JPEG", {"quality": 98, "subsampling": 0}), ("PNG", {})):
        decoded = pixels(saved(photo, kind, **options), image_size=32, fit="stretch")
        difference = decoded.transpose(1, 2, 0).astype(float) - np.asarray(fair)
        assert np.sqrt((difference**2).mean()) < 3


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (Image.new("L", (40, 30), 7), "has one colour only"),
        (Image.new("RGB", (40, 30), (1, 2, 3)), "has one colour only"),
        (Image.new("L", (40, 3)), "has 40×3 pixels, fewer than 4 a side"),
        (Image.new("L", (41, 40)), "41×40 pixels, more than ingest.max_pixels = 1,600"),
        (Image.fromarray(GRADIENT.astype(np.float32)), "floating-point pixels"),
        (Image.fromarray(GRADIENT.astype(np.int32) * 1000), "32-bit pixels"),
        (Image.fromarray(GRADIENT.astype(np.int32) - 1), "negative or 32-bit pixels"),
    ],
)
def test_what_fails_a_check_is_rejected(picture: Image.Image, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        decode(raw(picture), IngestParams(max_pixels=1600))


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    file = tmp_path / "bomb.png"
    Image.new("1", (8, 8)).save(file)
    content = bytearray(file.read_bytes())
    content[16:24] = struct.pack(">II", 12_000, 12_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    file.write_bytes(content)
    loaded = []

    def opened() -> Image.Image:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(file)
        picture.load = lambda: loaded.append(1)  # type: ignore[method-assign,assign]
        return picture

    with pytest.raises(Rejected, match="12000×12000 pixels, more than ingest.max_pixels"):
        decode(RawImage("bomb.png", "a", opened), IngestParams())
    assert not loaded


def test_an_image_without_a_label_is_rejected() -> None:
    with pytest.raises(Rejected, match="has no label"):
        decode(RawImage("x", None, lambda: Image.fromarray(GRADIENT)), IngestParams())


def test_what_does_not_decode_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    image = RawImage("x.png", "a", lambda: Image.open(file))
    with pytest.raises(Rejected, match="cannot be read: No such file"):
        decode(image, IngestParams())
    Image.fromarray(GRADIENT).save(file)
    whole = file.read_bytes()
    for content in (b"", b"not an image", whole[: len(whole) // 2]):
        file.write_bytes(content)
        with pytest.raises(Rejected, match="cannot be|is in no image format"):
            decode(image, IngestParams())
