import ast
import fcntl
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock

import pytest

from gan_augment import storage
from gan_augment.errors import UserError


def test_a_directory_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").touch()
    with storage.replace_directory(target) as folder:
        (folder / "new").touch()
        assert (target / "old").exists()
    assert [p.name for p in target.iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_what_was(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(RuntimeError), storage.replace_directory(target) as folder:
        (folder / "new").touch()
        raise RuntimeError
    assert [p.name for p in target.iterdir()] == ["old"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_crash_between_the_renames_is_mended(tmp_path: Path) -> None:
    """The old directory was moved away and the process died before the new one took its place."""
    (tmp_path / ".out.old").mkdir()
    (tmp_path / ".out.old" / "precious").touch()
    with pytest.raises(RuntimeError), storage.replace_directory(tmp_path / "out"):
        raise RuntimeError
    assert (tmp_path / "out" / "precious").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(5, "Input/output error")])
def test_what_ends_it_between_the_renames_loses_nothing(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").touch()
    rename = Path.rename

    def interrupted(path: Path, to: Path) -> Path:
        if path.name == ".out.partial":
            raise error
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", interrupted)
    with (
        pytest.raises((KeyboardInterrupt, UserError)),
        storage.replace_directory(target) as folder,
    ):
        (folder / "new").touch()
    assert [p.name for p in target.iterdir()] == ["old"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_link_to_a_directory_stays_one(tmp_path: Path) -> None:
    """Such as one to a larger disk: what is written goes there, each time."""
    there = tmp_path / "disk" / "real"
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "out").symlink_to(there)
    for name in ("one", "two", "three"):
        with storage.replace_directory(tmp_path / "here" / "out") as folder:
            (folder / name).touch()
        assert (tmp_path / "here" / "out").is_symlink()
        assert [p.name for p in there.iterdir()] == [name]
    assert [p.name for p in there.parent.iterdir()] == ["real"]
    assert [p.name for p in (tmp_path / "here").iterdir()] == ["out"]


@pytest.mark.parametrize("kind", ["partial", "old"])
def test_leftovers_go_whatever_they_are(kind: str, tmp_path: Path) -> None:
    """A file that was where the directory goes is such a one."""
    left = tmp_path / f".out.{kind}"
    (tmp_path / "out").touch()
    for make in (Path.touch, Path.mkdir, lambda path: path.symlink_to(tmp_path / "nowhere")):
        make(left)
        with storage.replace_directory(tmp_path / "out") as folder:
            (folder / "new").touch()
        assert [p.name for p in tmp_path.iterdir()] == ["out"]
        assert [p.name for p in (tmp_path / "out").iterdir()] == ["new"]


def test_killed_while_a_directory_is_deleted_none_of_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            storage.delete_directory(tmp_path / "one")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".one.deleted", "two"]
    storage.sweep_deleted(tmp_path, "t*")
    assert (tmp_path / ".one.deleted").exists()
    storage.sweep_deleted(tmp_path, "o*")
    storage.delete_directory(tmp_path / "nowhere")
    assert [p.name for p in tmp_path.iterdir()] == ["two"]
    (tmp_path / ".two.deleted").mkdir()
    (tmp_path / ".two.deleted" / "of a killed process").touch()
    storage.delete_directory(tmp_path / "two")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "sub" / "file"
    storage.write_text(target, "one")
    with pytest.raises(RuntimeError), storage.replace_file(target) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert target.read_text() == "one"
    assert [p.name for p in target.parent.iterdir()] == ["file"]


def test_who_writes_the_same_file_waits(tmp_path: Path) -> None:
    """As where several machines keep what they have finished in one folder."""
    target, ended = tmp_path / "file", threading.Event()

    def second() -> None:
        storage.write_text(target, "two")
        ended.set()

    thread = threading.Thread(target=second)
    with storage.replace_file(target) as partial:
        partial.write_text("one, longer")
        thread.start()
        assert not ended.wait(0.2)
        assert partial.read_text() == "one, longer"
    thread.join()
    assert target.read_text() == "two"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("fails", [False, True])
def test_writers_of_one_file_do_not_meet(fails: bool, tmp_path: Path) -> None:
    def write(number: int) -> bool:
        with suppress(RuntimeError), storage.replace_file(tmp_path / "file") as partial:
            partial.write_text(str(number) * 1000)
            if fails:
                raise RuntimeError
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(write, range(400)))
    assert [p.name for p in tmp_path.iterdir()] == ([] if fails else ["file"])
    if not fails:
        content = (tmp_path / "file").read_text()
        assert content in {str(number) * 1000 for number in range(400)}


def test_without_locks_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", Mock(side_effect=OSError(38, "Function not implemented")))
    (tmp_path / ".file.partial").write_text("what a killed process left")
    storage.write_text(tmp_path / "file", "one")
    assert (tmp_path / "file").read_text() == "one"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"cannot write .*out: No space left on device"),
        storage.replace_file(tmp_path / "out"),
    ):
        Path("/dev/full").write_text("x" * 100_000)


def test_json_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is missing: run the stage"):
        storage.read_json(tmp_path / "no.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UserError, match="is not valid JSON"):
        storage.read_json(tmp_path / "bad.json")


def test_a_digest_separates_its_parts() -> None:
    assert storage.digest("ab", "c") != storage.digest("a", "bc")


def test_what_a_killed_run_leaves_is_not_for_another_version_or_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = storage.fingerprint("a", b"b")
    assert before == storage.fingerprint("a", b"b") != storage.fingerprint("a", b"c")
    monkeypatch.setattr(storage, "version", lambda _: "another")
    storage._code.cache_clear()
    assert storage.fingerprint("a", b"b") != before
    monkeypatch.undo()
    storage._code.cache_clear()
    monkeypatch.setattr(storage, "__file__", __file__)  # other modules
    assert storage.fingerprint("a", b"b") != before
    storage._code.cache_clear()


def test_every_scratch_is_named_by_such_a_fingerprint() -> None:
    found = []
    for module in Path(storage.__file__).parent.rglob("*.py"):
        if "scratch_of(" not in (text := module.read_text()):
            continue
        nodes = [*ast.walk(ast.parse(text))]
        known = {ast.unparse(n.targets[0]): n.value for n in nodes if isinstance(n, ast.Assign)}
        for call in (n for n in nodes if isinstance(n, ast.Call)):
            if ast.unparse(call.func) == "scratch_of":
                name = known.get(ast.unparse(call.args[1]), call.args[1])
                assert re.match(r"(\w+\.)?fingerprint\(", ast.unparse(name)), module
                found.append(module.parent.name)
    assert sorted(found) == ["embed", "evaluation", "gan", "gan", "synthesis"]


def test_scratch_is_empty_at_first_and_gone_at_last(tmp_path: Path) -> None:
    target = tmp_path / "data" / "real"
    with storage.scratch_directory(target) as scratch:
        assert scratch.parent == target.parent
        (scratch / "x").touch()
    assert not target.parent.exists()
    scratch.mkdir(parents=True)
    (scratch / "of a killed run").touch()
    with storage.scratch_directory(target) as scratch:
        assert not list(scratch.iterdir())
        target.touch()
    assert list(target.parent.iterdir()) == [target]


def test_scratch_takes_the_place_of_a_link(tmp_path: Path) -> None:
    (tmp_path / ".real.scratch.partial").symlink_to(tmp_path / "nowhere")
    with storage.scratch_directory(tmp_path / "real") as scratch:
        assert not scratch.is_symlink()
    assert list(tmp_path.iterdir()) == []


def test_json_that_is_nested_without_end(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match="is not valid JSON"):
        storage.read_json(tmp_path / "deep.json")
