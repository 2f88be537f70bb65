import numpy as np

from gan_augment.sheet import SHEET_WIDTH, contact_sheet


def test_every_image_has_its_place() -> None:
    pixels = np.arange(1, 6, dtype=np.uint8)[:, None, None, None] * np.ones((5, 1, 4, 6), np.uint8)
    sheet = np.asarray(contact_sheet(pixels, columns=3))
    scale = SHEET_WIDTH // (3 * 7 + 1)
    small = sheet[::scale, ::scale]
    assert small.shape == (2 * 5 + 1, 3 * 7 + 1)
    for index in range(5):
        row, column = divmod(index, 3)
        assert (
            small[row * 5 + 1 : row * 5 + 5, column * 7 + 1 : column * 7 + 7] == index + 1
        ).all()
    assert (small[6:, 15:] == 255).all()
