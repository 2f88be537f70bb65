"""Small sources of images of every kind, and a way to make a project of one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.environment import SETTINGS

Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def pictures(tmp_path: Path) -> Make:
    """Return a maker of a folder of noise: names, size (width, height) and mode as asked for."""

    def make(
        names: list[str], size: tuple[int, int] = (20, 20), mode: str = "RGB", root: str = "images"
    ) -> Path:
        random = np.random.default_rng(0)
        shape = (size[1], size[0], 3) if mode == "RGB" else size[::-1]
        for name in names:
            file = tmp_path / root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 256, shape, np.uint8)).save(file)
        return tmp_path / root

    return make


def numbered(classes: dict[str, int], pattern: str = "{}.png") -> list[str]:
    """Return names of so many images of each class."""
    return [f"{name}/{pattern.format(i)}" for name, n in classes.items() for i in range(n)]
