"""Settings that make a whole pipeline run in seconds."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from gan_augment import params
from gan_augment.params import Params
from tests.conftest import ROOT

SMALL = {
    "train": {"steps": 40, "width": 32, "eval_interval": 20, "checkpoint_interval": 20},
    "generate": {"gates": []},
    "evaluate": {
        "arms": ["real", "smote", "gan"],
        "classifiers": ["k-nn"],
        "repeats": 6,
        "tuning_repeats": 0,
    },
}


@contextmanager
def deletions() -> Iterator[list[str]]:
    """Yield the names under which folders of finished replicates are deleted meanwhile."""
    names: list[str] = []
    rmtree = shutil.rmtree

    def noted(path: Path, **options: bool) -> None:
        names.extend({Path(path).name for _ in Path(path).glob("*/evaluate.done")})
        rmtree(path, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "rmtree", noted)
        yield names


@pytest.fixture(scope="session", autouse=True)
def _interrupts() -> None:
    # What a shell runs in the background ignores them, and so would all that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with params.yaml."""
    folder = tmp_path_factory.mktemp("project")
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    changed = {name: {**content[name], **values} for name, values in SMALL.items()}
    (folder / "params.yaml").write_text(yaml.safe_dump({**content, **changed}))
    return folder


@pytest.fixture(scope="module")
def quick(project: Path) -> Params:
    return params.load(project / "params.yaml")
