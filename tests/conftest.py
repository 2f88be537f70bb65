"""Fixtures shared by all tests: small real images, and the command line in a folder of its own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
import yaml
from hypothesis import settings as hypothesis_settings
from PIL import Image

from gan_augment import params as params_module
from gan_augment import table
from gan_augment.cli import main
from gan_augment.engine import SHARE
from gan_augment.ingest import stage as ingest
from gan_augment.params import EmbedParams, Params
from tests.environment import QUICKLY
from tests.quickly import sitecustomize

__all__ = ["sitecustomize"]  # which changes what is imported after it

pytest_plugins = ["tests.projects"]

ROOT = Path(__file__).parents[1]
QUICK_BACKBONE = EmbedParams(backbone="efficientnet-lite0", image_size=(32, 32))

# A busy machine is no reason to fail.
hypothesis_settings.register_profile("patient", deadline=None)
hypothesis_settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let files with long tests come first, lest one of them be all that still runs."""
    long = {item.path for item in items if item.get_closest_marker("e2e")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session", autouse=True)
def _quickly() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUICKLY.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def all_cores(_quickly: None) -> Iterator[None]:
    """Let it fan out over the cores of this machine, as it does for users."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(SHARE)
        yield


@pytest.fixture(scope="session")
def settings() -> Params:
    """Return params.yaml as it is shipped."""
    return params_module.load(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory, settings: Params) -> Path:
    """Return the image table that the shipped params make of the digits."""
    path = tmp_path_factory.mktemp("digits") / "real"
    ingest.run(settings.ingest, {}, {"real": path})
    return path


@pytest.fixture(scope="session")
def features(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the table of what a backbone sees in the digits, at 32 pixels, which is quick."""
    from gan_augment.embed import stage

    folder = tmp_path_factory.mktemp("embedded")
    outputs = {"features": folder / "features", "scratch": folder / "scratch"}
    stage.run(QUICK_BACKBONE, {"real": digits}, outputs)
    return folder / "features"


@pytest.fixture(scope="session")
def train_images(digits: Path) -> table.Images:
    return table.read(digits, "train")


@pytest.fixture
def no_csv_may_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to open files ending in .csv, as the system does for other users than root."""
    real = Path.open

    def refused(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.suffix == ".csv":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refused)


@pytest.fixture(scope="session")
def datasets() -> Path:
    """Return the folder of real image sets."""
    folder = os.environ.get("GAN_AUGMENT_DATASETS")
    if not folder:
        pytest.skip("GAN_AUGMENT_DATASETS names no folder of image sets")
    return Path(folder)


@pytest.fixture
def random_images() -> Callable[..., table.Images]:
    """Return a maker of labelled noise in a given shape."""

    def make(
        n: int = 12, classes: int = 3, shape: tuple[int, int, int] = (1, 8, 8)
    ) -> table.Images:
        pixels = np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)
        labels = np.arange(n) % classes
        rows = table.encode(
            pixels, labels, [f"c{i}" for i in range(classes)], split="train", origin="real"
        )
        return table.decode(rows)

    return make


@pytest.fixture
def folder_of_images(tmp_path: Path, digits: Path) -> Path:
    """Return a folder of real digits as PNG files, a directory a class."""
    images = table.read(digits, "test")
    for label in (0, 1, 2):
        directory = tmp_path / "images" / f"digit {label}"
        directory.mkdir(parents=True)
        for number, image in enumerate(images.pixels[images.labels == label][:12]):
            table.picture(image).save(directory / f"{number}.png")
    return tmp_path / "images"


class CommandLine(Protocol):
    """Run `gan-augment ARGUMENTS`, keywords overriding sections of params.yaml."""

    def __call__(self, *arguments: str, **overrides: dict[str, object]) -> tuple[int, str]: ...


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CommandLine:
    """Return a runner of commands in an empty project: exit code, and all that was printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **overrides: dict[str, object]) -> tuple[int, str]:
        content = yaml.safe_load((ROOT / "params.yaml").read_text())
        for section, values in overrides.items():
            content[section] = {**content.get(section, {}), **values}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
        monkeypatch.setattr("sys.argv", ["gan-augment", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capfd.readouterr()
        return int(stopped.value.code or 0), printed.out + printed.err

    return run


def refusal(outcome: tuple[int, str]) -> str:
    """Return the one message of a command that refused: exit code 1, and no traceback."""
    code, printed = outcome
    assert "Traceback" not in printed
    assert (code, printed.count("error: ")) == (1, 1), printed
    return printed.partition("error: ")[2]


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pictures of three kinds, of 40 to 60 pixels: stripes, dots and ramps."""
    root, draw = tmp_path_factory.mktemp("source"), np.random.default_rng(0)
    for label, name in enumerate("abc"):
        (root / name).mkdir()
        for number in range(70):
            side = int(draw.integers(40, 60))
            y, x = np.mgrid[:side, :side] / side
            turn, phase = draw.random() * 3, draw.random() * 6
            wave = np.sin(20 * (x + turn * y) + phase)
            grid = np.sin(20 * x + phase) * np.sin(20 * y + phase)
            shape = (wave, grid, x + turn * y)[label]
            colour = draw.random(3) * 100 + 80
            noise = draw.normal(0, 25, (side, side, 3))
            pixels = shape[..., None] * colour / 2 + 100 + noise
            image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            image.save(root / name / f"{number:03d}.png")
    return root
