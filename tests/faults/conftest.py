"""A folder of images that is small enough for whole runs."""

from pathlib import Path

import pytest

from gan_augment import table


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> Path:
    """Return a folder of 75 digits of three classes."""
    root, found = tmp_path_factory.mktemp("images"), table.read(digits)
    for label in (0, 2, 4):
        folder = root / found.classes[label]
        folder.mkdir()
        for number, image in enumerate(found.pixels[found.labels == label][:25]):
            table.picture(image).save(folder / f"{number}.png")
    return root
