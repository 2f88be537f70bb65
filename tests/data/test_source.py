import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from gan_augment import versions
from gan_augment.data import load, source
from gan_augment.data.source import fetch
from gan_augment.errors import UserError
from tests.ports import free_port
from tests.s3 import CREDENTIALS, s3, without_s3fs

__all__ = ["s3", "without_s3fs"]


@pytest.fixture
def memory(augmented: Path) -> Iterator[str]:
    """Return the address of a copy of the table in fsspec's memory."""
    files = fsspec.filesystem("memory")
    files.put(f"{augmented}/", "/bucket/augmented/", recursive=True)
    yield "memory://bucket/augmented"
    files.rm("/bucket", recursive=True)


def transfers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by the name of each file that is copied from now on."""
    copied: list[str] = []
    copy = source._copy

    def counted(fs: Any, about: dict[str, Any], target: Path) -> None:
        if not target.exists():
            copied.append(target.name)
        copy(fs, about, target)

    monkeypatch.setattr(source, "_copy", counted)
    return copied


def test_an_address_reads_as_the_folder_does(
    memory: str, augmented: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = transfers(monkeypatch)
    there, here = load(memory), load(augmented)
    assert there.frame.equals(here.frame)
    assert (there.numpy().images == here.numpy().images).all()
    assert (there.card, there.verdict) == (here.card, here.verdict)
    assert sorted(copied) == ["README.md", "train-00000.parquet", "verdict.json"]
    copied.clear()
    assert load(memory).path == there.path
    assert copied == []
    load(memory, split="test")
    assert copied == ["test-00000.parquet"]


def test_a_table_that_changed_is_fetched_again_into_another_folder(memory: str) -> None:
    first = load(memory)
    fsspec.filesystem("memory").pipe("/bucket/augmented/README.md", b"another")
    second = load(memory)
    assert (second.card, second.path == first.path) == ("another", False)
    assert first.card != "another"


def test_interrupted_it_goes_on(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    get = fsspec.implementations.memory.MemoryFileSystem.get_file

    def interrupted(self: Any, name: str, target: str, **options: Any) -> None:
        if name.endswith("validation-00000.parquet"):
            raise KeyboardInterrupt
        get(self, name, target, **options)

    with monkeypatch.context() as patch:
        patch.setattr(fsspec.implementations.memory.MemoryFileSystem, "get_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(memory, ["*"])
    copied = transfers(monkeypatch)
    assert len(load(memory, split=None)) > 0
    assert "validation-00000.parquet" in copied
    assert "README.md" not in copied


def test_what_does_not_arrive_whole_is_refused(
    memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_: Any, __: str, target: str) -> None:
        Path(target).write_bytes(b"PAR1")

    monkeypatch.setattr(fsspec.implementations.memory.MemoryFileSystem, "get_file", cut)
    with pytest.raises(UserError, match="did not arrive whole: try again"):
        fetch(memory, ["*"])


def test_s3(s3: Any, augmented: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3.put(f"{augmented}/", "bucket/sets/augmented/", recursive=True)
    there = load("s3://bucket/sets/augmented", origin="synthetic")
    assert there.frame.equals(load(augmented, origin="synthetic").frame)
    copied = transfers(monkeypatch)
    assert load("s3://bucket/sets/augmented/").path == there.path
    assert copied == []


@pytest.mark.usefixtures("s3")
def test_places_in_s3_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"s3://bucket/sets/other does not exist$"):
        load("s3://bucket/sets/other")
    with pytest.raises(UserError, match=r"s3://other/set does not exist \(The specified bucket "):
        load("s3://other/set")
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(UserError, match=r"s3://bucket/set cannot be reached: .* credentials"):
        load("s3://bucket/set")


@pytest.mark.usefixtures("without_s3fs")
def test_s3_without_its_library() -> None:
    with pytest.raises(UserError, match=r"cannot be read: .* pip install 'gan-augment\[s3\]'$"):
        load("s3://bucket/set")


def test_another_folder_is_no_table(memory: str) -> None:
    told = r"memory://bucket holds none of README.md, verdict.json, train-\*.parquet: name the"
    with pytest.raises(UserError, match=told):
        load(memory.rpartition("/")[0])
    with pytest.raises(UserError, match=r"verdict.txt holds none of"):
        fsspec.filesystem("memory").pipe("/bucket/verdict.txt", b"")
        load("memory://bucket/verdict.txt")


def test_a_server_that_does_not_answer() -> None:
    port = free_port()
    with pytest.raises(UserError, match=f"http://127.0.0.1:{port}/set cannot be reached: "):
        load(f"http://127.0.0.1:{port}/set")


def test_folders_by_their_address(augmented: Path) -> None:
    assert load(augmented.as_uri()).path == augmented
    with pytest.raises(UserError, match="nowhere does not exist"):
        load("file:///nowhere")


def test_addresses_that_nothing_reads() -> None:
    with pytest.raises(UserError, match=r"gopher://host/set cannot be read: Protocol not known"):
        load("gopher://host/set")
    with pytest.raises(UserError, match="cannot be read: Protocol not known"):
        load(f"gopher://host/{'set' * 100}")  # longer than a name of a file


def pulled(augmented: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Return a list that grows by what is asked of `pull` from now on; it gives `augmented`."""
    asked: list[tuple[Any, ...]] = []

    def pull(*arguments: Any, **options: Any) -> Path:
        asked.append((*arguments, options))
        return augmented

    monkeypatch.setattr(versions, "pull", pull)
    return asked


@pytest.mark.parametrize(
    ("place", "version"),
    [
        ("git@git.example.org:bolts.git", None),
        ("git@git.example.org:bolts", "v1.2.0"),
        ("ssh://git@example.org/bolts", None),
        ("https://example.org/bolts.git", None),
        ("https://example.org/bolts", "v1.2.0"),
        ("/srv/git/bolts.git", None),
        ("../bolts", "v1.2.0"),
    ],
)
def test_repositories_are_told_from_folders_and_addresses(
    place: str, version: str | None, augmented: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pulled(augmented, monkeypatch)
    assert load(place, version).path == augmented
    assert asked == [(place, version, "augmented", {})]


def test_a_checkout_is_a_repository_unless_it_holds_a_table_itself(
    augmented: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pulled(augmented, monkeypatch)
    (tmp_path / "checkout/.git").mkdir(parents=True)
    assert load(tmp_path / "checkout").path == augmented
    assert asked == [(str(tmp_path / "checkout"), None, "augmented", {})]
    shutil.copytree(augmented, tmp_path / "checkout", dirs_exist_ok=True)
    assert load(tmp_path / "checkout").path == tmp_path / "checkout"
    assert len(asked) == 1
