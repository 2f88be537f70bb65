import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.versions.lock import exclusive

HOLDER = """
import sys, time
from pathlib import Path
from gan_augment.versions.lock import exclusive
with exclusive(Path("."), 0, print):
    print("held", flush=True)
    time.sleep(float(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def _project(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").touch()


def hold(folder: Path, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HOLDER, str(seconds)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_is_refused_or_waits(
    tmp_path: Path, lines: list[str], on_line: Callable[[str], None]
) -> None:
    with hold(tmp_path, 1):
        with (
            pytest.raises(UserError, match="another run is at work"),
            exclusive(tmp_path, 0, on_line),
        ):
            pass
        assert lines == []
        with exclusive(tmp_path, 30, on_line):
            assert len(lines) == 1


@pytest.mark.parametrize("name", ["nowhere", "elsewhere", ".dvc"])
def test_a_folder_that_is_no_project_is_left_alone(
    name: str, tmp_path: Path, on_line: Callable[[str], None]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with (
        pytest.raises(UserError, match=f"{name} is not the root of a DVC repository: "),
        exclusive(tmp_path / name, 0, on_line),
    ):
        pass
    assert sorted(tmp_path.rglob("*")) == before


def test_a_killed_holder_leaves_no_lock(tmp_path: Path, on_line: Callable[[str], None]) -> None:
    process = hold(tmp_path, 60)
    process.kill()
    process.communicate()
    with exclusive(tmp_path, 0, on_line):
        pass


def test_a_process_that_was_given_the_descriptor_keeps_others_out(
    tmp_path: Path, lines: list[str], on_line: Callable[[str], None]
) -> None:
    with exclusive(tmp_path, 0, on_line) as descriptor:
        heir = subprocess.Popen(["sleep", "1"], pass_fds=[descriptor])
    with pytest.raises(UserError), exclusive(tmp_path, 0, on_line):
        pass
    heir.wait()
    with exclusive(tmp_path, 10, on_line):
        assert lines == []  # nobody was waited for
