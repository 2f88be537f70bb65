"""The site is built without a complaint: pages have a place, links and anchors are there."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.cli import app as typer
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
COMMANDS = ROOT / "docs/commands.md"
WRITE = "gan_augment.cli utils docs --name gan-augment --title Commands"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build = [*("--quiet", "--fail-on-warning", "--keep-going", "-c", "docs"), ".", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *build],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_it_has_a_page_of_every_document(site: Path) -> None:
    documents = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*.ipynb")]
    pages = {page.stem for page in (site / "docs").glob("*.html")}
    assert pages == {document.stem for document in documents}


def test_settings_are_told_from_the_models(site: Path) -> None:
    page = (site / "docs/params.html").read_text()
    assert 'id="gan_augment.params.TrainParams.final_learning_rate"' in page


def test_commands_are_those_of_the_command_line() -> None:
    printed = CliRunner().invoke(typer, WRITE.split()).stdout
    assert printed.strip() == COMMANDS.read_text().strip(), f"python -m typer {WRITE} --output"
