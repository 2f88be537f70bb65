"""Remotes that are there, are not, and cannot be written."""

import http.server
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan_augment.versions.remote import look
from tests.serving import serving


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a DVC repository."""
    folder = tmp_path / "project"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["dvc", "init", "--quiet"], cwd=folder, check=True)
    return folder


def with_remote(root: Path, url: object) -> dict[str, object]:
    """Look at a repository whose default remote is at an address."""
    config = f"[core]\n    remote = s\n['remote \"s\"']\n    url = {url}\n"
    (root / ".dvc/config").write_text(config)
    told = look(root)
    assert (told["remote"], told["url"]) == ("s", str(url))
    return told


def test_one_that_can_be_written_is_left_as_it_was(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    assert with_remote(root, store)["state"] == "writable"
    assert list(store.iterdir()) == []


def test_one_that_is_not_there(root: Path, tmp_path: Path) -> None:
    assert with_remote(root, tmp_path / "a/b")["state"] == "absent"
    assert not (tmp_path / "a").exists()
    (tmp_path / "a").write_text("in the way")
    assert with_remote(root, tmp_path / "a/b")["state"] == "unreachable"
    told = with_remote(root, tmp_path / "a")
    assert told["state"] == "readable"
    assert "Not a directory" in str(told["trouble"])


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs Linux's /sys")
def test_one_that_nobody_can_write_to(root: Path) -> None:
    told = with_remote(root, "/sys/kernel")
    assert told["state"] == "readable"
    assert told["trouble"]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """Serve a folder that can only be read."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}"


def test_on_the_web(root: Path, web: str) -> None:
    assert with_remote(root, web)["state"] == "readable"


def test_one_out_of_reach(root: Path) -> None:
    told = with_remote(root, "ssh://127.0.0.1:1/store")
    assert told["state"] == "unreachable"
    assert "\n" not in str(told["trouble"])
    assert told["trouble"]


def test_none_and_no_repository(root: Path, tmp_path: Path) -> None:
    told = look(root)
    assert (told["project"], told["remote"]) == (True, None)
    assert not look(tmp_path)["project"]
    for config in (
        "[core]\n    remote = nobody\n",
        "[core",
        "['remote \"s\"']\n    url = no://x\n",
    ):
        (root / ".dvc/config").write_text(config)
        assert look(root)["trouble"]
