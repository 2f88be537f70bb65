"""Torch, and its device."""

import json
from pathlib import Path

import pytest
import torch
from lightning_fabric.accelerators import MPSAccelerator

from gan_augment.doctor.training import main, training


def test_all_is_well(tmp_path: Path) -> None:
    (machine,) = training(tmp_path)
    assert machine.state == "ok"
    assert machine.said.startswith(torch.__version__)


def test_a_torch_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("raise ImportError('libtorch_cpu.so: no such')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (finding,) = training(tmp_path)
    assert finding.stops
    assert finding.said == "does not start: ImportError: libtorch_cpu.so: no such"


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch sees the GPU")
def test_a_gpu_that_torch_does_not_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nvidia-smi").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (machine,) = training(tmp_path)
    assert (machine.state, machine.stops) == ("attention", False)
    assert "does not see the GPU" in machine.said


def test_the_gpu_of_a_mac_is_not_trained_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(MPSAccelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    main()
    told = json.loads(capsys.readouterr().out)
    assert told == {"torch": torch.__version__, "on_gpu": False, "device": "the CPU"}
