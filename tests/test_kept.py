"""Finished tasks in folders and at addresses."""

from pathlib import Path
from typing import Any

import fsspec
import pytest

from gan_augment import engine
from gan_augment.engine import fan_out, kept
from gan_augment.engine.kept import FINISHED
from gan_augment.errors import UserError
from gan_augment.params import Params
from gan_augment.study.replicate import Replicate, run_all
from tests.ports import free_port
from tests.s3 import CREDENTIALS, s3, without_s3fs
from tests.study.conftest import project, quick

__all__ = ["project", "quick", "s3", "without_s3fs"]

FOLDER = Path("here", "fingerprint")


def test_a_folder_keeps_results_by_name(tmp_path: Path) -> None:
    here = kept.store(tmp_path / "results")
    assert here.read("a") is None
    here.write("a", b"x\ny")
    assert here.read("a") == b"x\ny"
    assert here.read("b") is None


@pytest.mark.parametrize("damage", [b"", b"x", b"half", b"other"])
def test_what_is_damaged_is_as_good_as_none(
    damage: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, file = kept.store(tmp_path), tmp_path / "a"
    here.write("a", b"result")
    whole = file.read_bytes()
    file.write_bytes({b"half": whole[:-2], b"other": whole[:-1] + b"!"}.get(damage, damage))
    assert here.read("a") is None
    assert capsys.readouterr().err == f"{file} is damaged: it is made again\n"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by each task that is computed, here."""
    monkeypatch.setattr(engine.local, "alone", lambda: True)
    return []


def squared(asked: list[int], numbers: list[int], folder: Path = FOLDER) -> list[int]:
    """Return the squares of numbers."""

    def square(number: int) -> int:
        asked.append(number)
        return number**2

    return fan_out(square, numbers, "test", "numbers", finished=folder)


def test_finished_tasks_are_found_from_elsewhere(
    s3: Any, asked: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(FINISHED, "s3://bucket/shared/")
    assert squared(asked, [1, 2]) == [1, 4]
    assert list(tmp_path.iterdir()) == []
    other = Path("another project", FOLDER.name)
    assert squared(asked, [1, 2, 3], other) == [1, 4, 9]
    assert asked == [1, 2, 3]
    assert squared(asked, [1], Path("other fingerprint")) == [1]
    assert asked == [1, 2, 3, 1]
    found = s3.ls("bucket/shared/fingerprint", refresh=True)
    assert len(found) == 3
    s3.pipe_file(found[0], b"cut off")
    assert squared(asked, [1, 2, 3]) == [1, 4, 9]
    assert len(asked) == 5


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_folder_of_all_machines_will_do(
    scheme: str, asked: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FINISHED, f"{scheme}{tmp_path}/disk")
    assert squared(asked, [1, 2]) == squared(asked, [1, 2])
    assert asked == [1, 2]
    assert len(list((tmp_path / "disk" / FOLDER.name).iterdir())) == 2
    (tmp_path / "file").touch()
    monkeypatch.setenv(FINISHED, f"{scheme}{tmp_path}/file")
    with pytest.raises(UserError, match=r"cannot write .*/file/gan-augment: "):
        squared(asked, [3])
    assert asked == [1, 2]


@pytest.mark.usefixtures("s3")
def test_a_place_that_cannot_be_written_is_known_before_any_work(
    asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FINISHED, "s3://other/prefix")
    with pytest.raises(UserError, match=rf"^{FINISHED} = s3://other/prefix does not exist \(The "):
        squared(asked, [1])
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(UserError, match="cannot be reached: Unable to locate credentials$"):
        squared(asked, [1])
    monkeypatch.setenv(FINISHED, "gopher://host")
    with pytest.raises(UserError, match="cannot be read: Protocol not known"):
        squared(asked, [1])
    assert asked == []


@pytest.mark.usefixtures("without_s3fs")
def test_an_address_without_its_library(asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FINISHED, "s3://bucket/never seen")
    with pytest.raises(UserError, match=r"Install s3fs .*: pip install 'gan-augment\[s3\]'$"):
        squared(asked, [1])


def test_a_server_that_is_gone(s3: Any, asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FINISHED, "s3://bucket")
    assert squared(asked, [1]) == [1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    type(s3).clear_instance_cache()
    kept._writable.cache_clear()
    with pytest.raises(UserError, match="cannot be reached: Could not connect to the endpoint"):
        squared(asked, [2])


@pytest.mark.e2e
@pytest.mark.usefixtures("s3")
def test_finished_replicates_are_found_from_elsewhere(
    quick: Params,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(FINISHED, "s3://bucket/studies")
    results = []
    for machine in ("first", "second"):
        one = Replicate(quick, tmp_path / machine / "fingerprint" / "0")
        run_all([one], "study")
        told = "study: finished already: 1 of 1" in capsys.readouterr().out
        assert told == (machine == "second")
        assert one.finished
        results.append((one.repeats(), one.outcomes(), one.verdict(), one.filled(), one.passed()))
    for first, second in zip(*results, strict=True):
        assert first.equals(second) if hasattr(first, "equals") else first == second
