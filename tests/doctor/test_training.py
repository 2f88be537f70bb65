"""Torch, its device, and whether the settings and images of a project would do."""

import shutil
import subprocess
from pathlib import Path

import pytest
import torch
import yaml

from gan_augment.doctor import training as module
from gan_augment.doctor.training import refused, training

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
    machine, settings = training(project)
    assert (machine.state, settings.state) == ("ok", "ok")
    assert machine.said.startswith(torch.__version__)


def test_no_project_is_here(tmp_path: Path) -> None:
    _, settings = training(tmp_path)
    assert settings.state == "not needed"
    assert "gan-augment init" in settings.said


def test_a_torch_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("raise ImportError('libtorch_cpu.so: no such')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (finding,) = training(tmp_path)
    assert finding.stops
    assert finding.said == "does not start: ImportError: libtorch_cpu.so: no such"


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch sees the GPU")
def test_a_gpu_that_torch_does_not_see(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "nvidia-smi").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(project), prepend=":")
    machine, _ = training(project)
    assert (machine.state, machine.stops) == ("attention", False)
    assert "does not see the GPU" in machine.said


def test_settings_and_images_that_a_run_would_refuse(project: Path) -> None:
    assert refused() == ""
    change(project, "train", loss="hinge-of-sorts")
    assert refused().startswith("train.loss = 'hinge-of-sorts'")
    change(project, "train", loss="hinge", stepz=3)
    assert "train.stepz: unknown key" in refused()
    _, settings = training(project)
    assert settings.stops
    assert "unknown key" in settings.said


def test_a_pattern_of_files_that_is_none(project: Path) -> None:
    """Which is no fault of torch."""
    change(project, "ingest", source="csv", path=".", files="/x/*.csv")
    torch_works, settings = training(project)
    assert torch_works.about == "torch"
    assert torch_works.state == "ok"
    assert settings.stops
    assert settings.said.startswith("ingest.files = '/x/*.csv': no pattern of files below")


def test_stages_that_are_no_yaml(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"torch": "2", "on_gpu": False, "device": "the CPU", "refused": ""}
    monkeypatch.setattr(module, "ask", lambda *_: told)
    (project / "dvc.yaml").write_text("stages:\n\ttrain: x")
    *_, finding = training(project)
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
