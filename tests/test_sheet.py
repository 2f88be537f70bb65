import numpy as np
import pytest

from gan_augment.sheet import VISIBLE, contact_sheet


def levels(*counts: int) -> list[np.ndarray]:
    """Return bands of so many images of 4×6 pixels; each image has a grey level of its own."""
    numbers = iter(range(1, 200))
    return [
        np.array([np.full((1, 4, 6), next(numbers), np.uint8) for _ in range(count)]).reshape(
            -1, 1, 4, 6
        )
        for count in counts
    ]


def test_every_image_has_its_place_in_the_lines_of_its_band() -> None:
    sheet = np.asarray(contact_sheet(levels(4, 0, 2), columns=3))
    assert sheet.shape == (4 * (4 * 10 + 2) + 2, 3 * (6 * 10 + 2) + 2)  # ten times as large
    shown = sheet[22::42, 32::62]
    assert shown.tolist() == [[1, 2, 3], [4, 255, 255], [255, 255, 255], [5, 6, 255]]


@pytest.mark.parametrize(("side", "scale"), [(8, 7), (28, 2), (32, 2), (56, 1), (300, 1)])
def test_small_images_are_enlarged_so_that_one_can_see_them(side: int, scale: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 3, side, side), np.uint8)
    sheet = np.asarray(contact_sheet([noise], 1))
    assert sheet.shape == (side * scale + 4, side * scale + 4, 3)
    assert side * scale >= VISIBLE
    np.testing.assert_array_equal(sheet[2:-2:scale, 2:-2:scale], noise[0].transpose(1, 2, 0))


def test_names_stand_beside_their_bands_and_change_nothing_else() -> None:
    bands = levels(4, 2)
    plain, named = (contact_sheet(bands, 3, names) for names in ((), ("long name", "b")))
    pixels = np.asarray(named)
    beside = pixels[:, : named.width - plain.width]
    np.testing.assert_array_equal(pixels[:, beside.shape[1] :], np.asarray(plain))
    ink = np.flatnonzero((beside < 128).any(axis=1)) / named.height * 3
    assert 0 < ink[ink < 1].mean() < 1  # the first of three lines
    assert 2 < ink[ink > 1].mean() < 3
    assert not np.array_equal(pixels, np.asarray(contact_sheet(bands, 3, ("long name", "c"))))


@pytest.mark.parametrize(
    ("one", "other"), [("\u732b", "\u72ac"), ("a\nb", "a c"), ("x" * 400, "y" * 400)]
)
def test_names_that_a_font_or_a_line_cannot_hold_are_still_told_apart(one: str, other: str) -> None:
    first, second = (contact_sheet(levels(1), 3, [name]) for name in (one, other))
    assert not np.array_equal(np.asarray(first), np.asarray(second))
    assert max(first.width, second.width) < 3 * 62 + 400
