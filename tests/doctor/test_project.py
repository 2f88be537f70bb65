"""Whether the settings, images and stages of a project would do."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from gan_augment.doctor import ask
from gan_augment.doctor import project as module
from gan_augment.doctor.project import project as look
from gan_augment.doctor.project import refused

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the settings of the digits, in which this process works."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(project: Path, section: str, **values: object) -> None:
    content = yaml.safe_load((project / "params.yaml").read_text())
    content[section] |= values
    (project / "params.yaml").write_text(yaml.safe_dump(content))


def test_all_is_well(project: Path) -> None:
    (settings,) = look(project)
    assert settings.state == "ok"


def test_no_project_is_here(tmp_path: Path) -> None:
    (settings,) = look(tmp_path)
    assert settings.state == "not needed"
    assert "gan-augment init" in settings.said


def test_settings_and_images_that_a_run_would_refuse(project: Path) -> None:
    assert refused() == ""
    change(project, "train", loss="hinge-of-sorts")
    assert refused().startswith("train.loss = 'hinge-of-sorts'")
    change(project, "train", loss="hinge", stepz=3)
    assert "train.stepz: unknown key" in refused()
    (settings,) = look(project)
    assert settings.stops
    assert "unknown key" in settings.said


def test_a_pattern_of_files_that_is_none(project: Path) -> None:
    """Which is no fault of torch."""
    change(project, "ingest", source="csv", path=".", files="/x/*.csv")
    (settings,) = look(project)
    assert settings.stops
    assert settings.said.startswith("ingest.files = '/x/*.csv': no pattern of files below")


def test_images_that_take_long_to_list_stop_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "PATIENCE_S", 0.1)
    (finding,) = look(project)
    assert (finding.state, finding.stops) == ("attention", False)
    assert finding.said.startswith("no answer within 0.1 s on settings and images")


def test_a_look_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "params.yaml").touch()
    (tmp_path / "pydantic.py").write_text("raise ImportError('no such')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    (finding,) = look(tmp_path)
    assert finding.stops
    assert finding.said == "settings and images: ImportError: no such"


def test_stages_that_are_no_yaml(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ask", lambda *_: {"refused": ""})
    (project / "dvc.yaml").write_text("stages:\n\ttrain: x")
    *_, finding = look(project)
    assert finding.about == "project"
    assert finding.stops
    assert "dvc.yaml is not valid YAML" in finding.said


def test_images_that_are_not_there(project: Path, folder_of_images: Path) -> None:
    shutil.copy(ROOT / "params.yaml", project)
    change(project, "ingest", source="folder", path="images", scarcity={})
    assert refused() == ""
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"], ["dvc", "add", "-q", "images"]):
        subprocess.run(command, cwd=project, check=True)
    shutil.rmtree(folder_of_images)
    assert refused().endswith(": `dvc pull images.dvc` gets it")
    (project / "images.dvc").unlink()
    assert "no such folder" in refused()
    assert "dvc pull" not in refused()
