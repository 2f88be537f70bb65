"""Images that are few enough for whole runs, and a folder in which every stage has run."""

import contextlib
from pathlib import Path

import pytest
import yaml

from gan_augment import table
from gan_augment.cli import main
from tests.faults import project

STAGES = ("ingest", "embed", "train", "generate", "evaluate", "report", "assemble", "classifier")
OUTPUTS = ("data", "models", "reports")


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


def sections(images: Path) -> dict[str, dict[str, object]]:
    """Return the project's settings, a dict a section."""
    found: dict[str, dict[str, object]] = {}
    for name, value in project.SETTINGS.items():
        section, _, key = name.partition(".")
        found.setdefault(section, {})[key] = value
    return {**found, "ingest": {"source": "folder", "path": str(images), "scarcity": {}}}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Path:
    """Return a folder in which every stage has run."""
    root = tmp_path_factory.mktemp("built")
    (root / "params.yaml").write_text(yaml.safe_dump(sections(images)))
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").touch()
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(root):
        for stage in STAGES:
            patch.setattr("sys.argv", ["gan-augment", stage])
            with contextlib.suppress(SystemExit):
                main()
    assert (root / "models/classifier/config.json").exists()
    return root


def made(root: Path) -> dict[str, bytes]:
    """Return the content of all that stages made."""
    paths = [path for name in OUTPUTS for path in (root / name).rglob("*")]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths if path.is_file()}
