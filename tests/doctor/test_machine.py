"""What the machine has, and what is too little."""

import os
import platform
import tempfile
from pathlib import Path

import psutil
import pytest

from gan_augment.doctor import machine
from gan_augment.doctor.finding import Finding


def only(findings: list[Finding]) -> Finding:
    (found,) = findings
    return found


def test_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(list(machine.python(tmp_path))) == Finding(
        "Python", "ok", platform.python_version()
    )
    for version in ("3.10.14", "3.14.0"):
        monkeypatch.setattr(platform, "python_version", lambda version=version: version)
        found = only(list(machine.python(tmp_path)))
        assert (found.state, found.stops) == ("attention", True)
        assert found.said.startswith(f"{version}: make an environment with ")


def test_memory_is_what_a_container_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "LIMITS", (limit,))
    present = psutil.virtual_memory().total
    assert 0 < machine.memory() <= present
    limit.write_text("max\n")  # none is set
    assert 0 < machine.memory() <= present
    limit.write_text("900000000\n")
    assert machine.memory() <= 900_000_000
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    found = only(list(machine.cores_and_memory(tmp_path)))
    assert (found.state, found.stops) == ("attention", False)
    assert "set LOKY_MAX_CPU_COUNT=1" in found.said


def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LITTLE_GB", 0.0)
    assert {found.state for found in machine.disk(tmp_path)} == {"ok"}
    monkeypatch.setattr(machine, "LITTLE_GB", 1e9)
    assert {(found.state, found.stops) for found in machine.disk(tmp_path)} == {
        ("attention", False)
    }
    monkeypatch.setattr(machine, "TOO_LITTLE_GB", 1e9)
    found = next(iter(machine.disk(tmp_path)))
    assert found.stops
    assert found.said.endswith("make room")


def test_no_place_for_scratch_files_stops_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/here']")

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_get_default_tempdir", none)
    lacks, here = machine.disk(tmp_path)
    assert (lacks.state, lacks.stops) == ("attention", True)
    assert lacks.said.endswith(": make room, or set TMPDIR to a folder elsewhere")
    assert str(tmp_path) in here.said


def test_a_place_that_cannot_be_written_stops_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda place, _: place != tmp_path)
    found = next(iter(machine.disk(tmp_path)))
    assert (found.state, found.stops) == ("attention", True)
    assert found.said == f"{tmp_path} cannot be written: work elsewhere"
