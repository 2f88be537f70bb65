"""An environment that neither sends anything nor knows a Prefect server."""

from pathlib import Path

import pytest

from tests.environment import SETTINGS, git


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / ".prefect"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return an empty git repository."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    return root
