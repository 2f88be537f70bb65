"""The params in examples/ are whole, and fit the datasets that they name."""

from pathlib import Path

import pytest

from gan_augment import names, params, table
from gan_augment.ingest import stage

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
FOLDERS = {"trashnet": "trashnet-150", "fashion-mnist": "fashion-mnist"}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_name_exists(file: Path) -> None:
    names.check(params.load(file))
    assert f"make example NAME={file.stem} DATA=" in file.read_text()
    assert f"make example NAME={file.stem} DATA=" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_dataset_is_read(file: Path, datasets: Path, tmp_path: Path) -> None:
    from gan_augment.gan.recipe import recipe

    settings = params.load(file)
    source = settings.ingest.model_copy(update={"path": datasets / FOLDERS[file.stem]})
    stage.run(source, {}, {"real": tmp_path / "real"})
    images = table.read(tmp_path / "real", "train")
    for name, number in settings.ingest.scarcity.items():
        assert (images.labels == images.classes.index(name)).sum() == number
    assert images.counts().max() <= 360
    assert recipe(settings.train, images.pixels.shape[2:]).network == "resnet"
