"""A reader of the tutorial runs what it says, in the order in which it says it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from gan_augment import load
from gan_augment.engine import SHARE
from tests.e2e.conftest import set_params
from tests.environment import SETTINGS
from tests.markdown import READER

TUTORIAL = Path(__file__).parents[2] / "docs/tutorial.md"
NAMES = {"a": "bolts", "b": "nuts", "c": "washers"}
QUICK = {
    "embed": {"image_size": 32},
    "train": {"steps": 40, "width": 32, "eval_interval": 20},
    "evaluate": {
        "repeats": 6,
        "arms": ["real", "smote", "gan"],
        "classifiers": ["logistic-regression"],
        "tuning_repeats": 0,
    },
}
"""In the place of what takes minutes."""


def blocks() -> list[tuple[str, str]]:
    """Return what a reader runs: language and text of each block."""
    fences = [token for token in READER.parse(TUTORIAL.read_text()) if token.type == "fence"]
    return [(f.info, f.content) for f in fences if f.info in ("sh", "python")]


@pytest.fixture
def folder(tmp_path: Path, photographs: Path) -> Path:
    """Return a folder of `photographs` as the tutorial has them; nuts are scarce."""
    for kind, name in NAMES.items():
        (tmp_path / "photographs" / name).mkdir(parents=True)
        for number, file in enumerate(sorted((photographs / kind).iterdir())):
            if name != "nuts" or number < 25:
                new = tmp_path / "photographs" / name / f"{number + 1:04d}.jpg"
                Image.open(file).save(new, quality=95)
    return tmp_path


@pytest.mark.e2e
def test_every_command_works(folder: Path) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **SETTINGS, "PATH": programs}
    del environment[SHARE]  # on all cores, as a reader does
    here, printed = folder, ""
    for language, text in blocks():
        if text.startswith("pip install"):
            continue
        command = (
            ["bash", "-ec", f"{text}\npwd"] if language == "sh" else [sys.executable, "-c", text]
        )
        done = subprocess.run(
            command, cwd=here, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{text}{done.stdout}{done.stderr}"
        printed += done.stdout
        if language == "sh":
            here = Path(done.stdout.splitlines()[-1])
        if "gan-augment init" in text:
            set_params(here, **QUICK)
    assert here == folder / "workshop"
    assert "rows of bolts, nuts, washers" in printed
    assert "ships" in printed
    augmented = load(here / "data/augmented")
    assert augmented.space is not None
    said = ["git", "log", "-1", "--format=%s"]
    assert subprocess.check_output(said, cwd=here) == b"Would synthetic photographs help?\n"
