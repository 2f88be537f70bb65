"""Each test of versions has a project of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.projects import Project, copy


@pytest.fixture(scope="session", autouse=True)
def _environment(_settings: None) -> None:
    """Have all commands that tests start find the settings."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache of pulled versions of the test's own, empty."""
    monkeypatch.setenv("GAN_AUGMENT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    return copy(built, tmp_path / "copy")


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def on_line(lines: list[str]) -> Callable[[str], None]:
    return lines.append
