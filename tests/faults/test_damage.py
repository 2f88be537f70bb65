"""Damaged files of every kind that a command reads: one message, and nothing old is lost."""

import shutil
from pathlib import Path

import pytest

from gan_augment import table
from tests.conftest import CommandLine, refusal
from tests.faults import damage
from tests.faults.conftest import made, sections


def arguments(command: str, root: Path, images: Path) -> list[str]:
    if command == "trace":
        return [table.read(root / "data/synthetic").rows["id"].iloc[0]]
    return [str(images)] if command == "classify" else []


@pytest.mark.parametrize("case", list(damage.cases()), ids="-".join)
def test_a_damaged_file_is_one_message(
    built: Path, images: Path, tmp_path: Path, cli: CommandLine, case: damage.Case
) -> None:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    given = arguments(case.command, tmp_path, images)
    case.harm(tmp_path)
    before = made(tmp_path)
    refusal(cli(case.command, *given, **sections(images)))
    assert made(tmp_path) == before
