"""Damaged files of every kind that a command reads: one message, and nothing old is lost."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan_augment import table
from gan_augment.cli import main
from tests.conftest import CommandLine
from tests.faults import damage, project

STAGES = ("ingest", "embed", "train", "generate", "evaluate", "report", "assemble", "classifier")
OUTPUTS = ("data", "models", "reports")


def sections(images: Path) -> dict[str, dict[str, object]]:
    """Return the project's settings, a dict a section."""
    found: dict[str, dict[str, object]] = {}
    for name, value in project.SETTINGS.items():
        section, _, key = name.partition(".")
        found.setdefault(section, {})[key] = value
    return {**found, "ingest": {"source": "folder", "path": str(images), "scarcity": {}}}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Iterator[Path]:
    """Return a folder in which every stage has run."""
    import yaml

    root = tmp_path_factory.mktemp("built")
    (root / "params.yaml").write_text(yaml.safe_dump(sections(images)))
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


def arguments(command: str, root: Path, images: Path) -> list[str]:
    if command == "trace":
        return [table.read(root / "data/synthetic").rows["id"].iloc[0]]
    return [str(images)] if command == "classify" else []


@pytest.mark.parametrize("case", damage.cases(), ids="-".join)
def test_a_damaged_file_is_one_message(
    built: Path, images: Path, tmp_path: Path, cli: CommandLine, case: damage.Case
) -> None:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    given = arguments(case.command, tmp_path, images)
    case.harm(tmp_path)
    before = made(tmp_path)
    code, printed = cli(case.command, *given, **sections(images))
    assert "Traceback" not in printed
    assert code == 1, printed
    assert printed.count("error: ") == 1
    assert made(tmp_path) == before
