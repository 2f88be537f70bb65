"""A table published from a real project, by its git repository's address and its tag."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from gan_augment import load, load_classifier, pull
from gan_augment.data import Data
from gan_augment.errors import UserError
from tests.conftest import CommandLine
from tests.projects import Project

EXAMPLE = Path(__file__).parents[2] / "examples/train_classifier.py"


def test_a_version_reads_as_the_folder_that_was_published(published: Project, data: Data) -> None:
    there = load(str(published.git), "v1.0.0")
    assert there.frame.equals(data.frame)
    assert (there.numpy().images == data.numpy().images).all()
    assert (there.card, there.verdict) == (data.card, data.verdict)
    assert load(str(published.git)).path == there.path == pull(str(published.git), "v1.0.0")
    assert load(published.root).path == there.path
    assert len(load(published.root, "v1.0.0", split="test")) > 0


def test_a_version_classifies_new_images_by_its_classifier(
    published: Project, project: Path, cli: CommandLine
) -> None:
    there = load_classifier(str(published.git), "v1.0.0")
    here = load_classifier(project / "models/classifier")
    images = [Image.open(project / "photograph.png")]
    assert there.config == here.config
    assert (there.probabilities(images) == here.probabilities(images)).all()
    assert there.path == pull(str(published.git), "v1.0.0", "classifier")
    photograph = str(project / "photograph.png")
    address = ("--repo", str(published.git), "--version", "v1.0.0")
    code, printed = cli("classify", photograph, *address)
    assert (code, printed.split("\t")[:2]) == (0, [photograph, "0"])
    code, printed = cli("pull", f"{published.git}@v1.0.0", "--artifact", "classifier")
    assert code == 0
    assert str(there.path) in printed.splitlines()


def test_versions_and_artifacts_that_are_none(published: Project) -> None:
    with pytest.raises(UserError, match=r"v9\.9\.9"):
        load(str(published.git), "v9.9.9")
    with pytest.raises(UserError, match="generator"):
        load(str(published.git), "v1.0.0", artifact="generator")


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.git"):
        load(tmp_path / "nowhere.git", "v1.0.0")


def test_the_example_trains_on_a_version(published: Project, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), str(published.git), "v1.0.0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    correct = float(done.stdout.split()[-2])
    assert correct > 80
    code = [line for line in EXAMPLE.read_text().split('"""')[2].splitlines() if line.strip()]
    assert len([line for line in code if not line.startswith(("import", "from"))]) <= 11
