"""The notebook runs from its first cell to its last, and is kept with what came out."""

import copy
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from tests.environment import SETTINGS

NOTEBOOK = Path(__file__).parents[2] / "docs/quickstart.ipynb"
PROJECT_ONLY = ("lock", "report")
SHOWN = ("text/html", "image/png", "text/plain")

Notebook = nbformat.NotebookNode


@pytest.fixture(scope="module")
def kept() -> Notebook:
    return nbformat.read(NOTEBOOK, as_version=4)


def results(notebook: Notebook) -> list[set[str]]:
    """Return the kinds of result that each cell of code shows."""
    return [
        {kind for output in cell.outputs for kind in output.get("data", {}) if kind in SHOWN}
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_it_was_run_in_order_without_complaints(kept: Notebook) -> None:
    cells = [cell for cell in kept.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    names = [output.get("name") for cell in cells for output in cell.outputs]
    assert "stderr" not in names
    assert {"image/png", "text/plain"} in results(kept)


def test_its_stages_are_those_of_a_project_up_to_the_dataset(kept: Notebook) -> None:
    """But for those that only a project needs: what code was used, and the page."""
    stages = list(yaml.safe_load((NOTEBOOK.parents[1] / "dvc.yaml").read_text())["stages"])
    wanted = [name for name in stages[: stages.index("assemble") + 1] if name not in PROJECT_ONLY]
    (loop,) = [cell.source for cell in kept.cells if "for stage in" in cell.source]
    assert loop.partition("for stage in ")[2].partition(";")[0].split() == wanted


def shortened(kept: Notebook) -> Notebook:
    """Return a notebook without results whose own networks learn for a moment."""
    notebook, steps = copy.deepcopy(kept), 0
    for cell in notebook.cells:
        cell.pop("outputs", None)
        if cell.cell_type == "code":
            cell.outputs = []
            steps += cell.source.count("steps=200")
            cell.source = cell.source.replace("steps=200", "steps=10")
    assert steps == 1
    return notebook


@pytest.mark.e2e
def test_it_runs(kept: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SETTINGS, "TMPDIR": str(tmp_path), "HF_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    notebook = shortened(kept)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=1800, kernel_name="python3", resources=resources).execute()
    assert [kinds - {"text/plain"} for kinds in results(notebook)] == [
        kinds - {"text/plain"} for kinds in results(kept)
    ]
    (verdict,) = tmp_path.glob("*/data/augmented/verdict.json")
    assert verdict.stat().st_size > 0
