"""Packages as pip could have left them: by the metadata that lie in the environment."""

from pathlib import Path

import pytest

from gan_augment.doctor.packages import conflicts, packages, used_parts


def install(folder: Path, name: str, number: str, *requires: str) -> None:
    """Put a package's metadata where they are found before the real ones."""
    directory = folder / f"{name.replace('-', '_')}-{number}.dist-info"
    directory.mkdir()
    lines = [f"Name: {name}", f"Version: {number}", *(f"Requires-Dist: {r}" for r in requires)]
    (directory / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *lines, ""]))


def test_what_is_installed_here_fits(tmp_path: Path) -> None:
    assert list(conflicts()) == []
    (found,) = packages(tmp_path)
    assert found.state == "ok"
    assert {"dvc", "flows"} <= set(used_parts())


def test_a_fastapi_with_which_prefect_runs_no_flow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "fastapi", "0.151.2")
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = packages(tmp_path)
    assert found.stops
    assert found.said == (
        "fastapi 0.151.2, but gan-augment needs <0.151 (with a newer one this Prefect runs no "
        "flow): pip install 'fastapi<0.151'"
    )


def test_what_others_need_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "torch", "2.12.0")
    install(tmp_path, "lightning-utilities", "0.15", "surely-not-there>=2; extra == 'x'", "no-such")
    monkeypatch.syspath_prepend(tmp_path)
    found = {(str(needed), by, there) for needed, by, there in conflicts()}
    assert ("torchvision", "2.12.0") in {(by, there) for _, by, there in found}
    assert ("no-such", "lightning-utilities", None) in found
    assert not any("surely" in needed for needed, _, _ in found)  # of an extra that nobody uses
    assert any("no no-such, but lightning-utilities needs it" in f.said for f in packages(tmp_path))


def test_a_part_that_is_not_installed_needs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requires = ("dvc>=99; extra == 'dvc'", "prefect>=99; extra == 'flows'")
    install(tmp_path, "gan-augment", "0.1.0", *requires)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("gan_augment.doctor.packages.PARTS", {"dvc": "dvc", "flows": "no-such"})
    assert [needed.name for needed, _, _ in conflicts()] == ["dvc"]
