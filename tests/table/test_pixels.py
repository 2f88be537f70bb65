import io
from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from gan_augment import table


def test_identity_is_of_pixels_and_shape() -> None:
    image = np.arange(12, dtype=np.uint8)
    hashes = {table.pixel_hash(image.reshape(shape)) for shape in [(1, 3, 4), (1, 4, 3), (3, 2, 2)]}
    assert len(hashes) == 3


def test_pixels_are_stored_as_png(random_images: Callable[..., table.Images]) -> None:
    content = table.png(random_images(1, 1).pixels[0])
    assert Image.open(io.BytesIO(content)).format == "PNG"


@given(hnp.arrays(np.uint8, st.tuples(st.sampled_from([1, 3]), *[st.integers(1, 9)] * 2)))
def test_every_pixel_is_read_back_from_png(image: np.ndarray) -> None:
    content = table.png(image)
    np.testing.assert_array_equal(table.from_png(content), image)
    with Image.open(io.BytesIO(content)) as picture:
        picture.verify()  # checksums of all chunks
        assert picture.mode == ("L" if len(image) == 1 else "RGB")


def test_the_bytes_of_a_png_do_not_depend_on_those_before_it() -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (3, side, side), np.uint8) // 8 for side in (64, 8, 200, 31)]
    wanted = [table.png(image) for image in images]
    assert [table.png(image) for image in images[::-1]] == wanted[::-1]
