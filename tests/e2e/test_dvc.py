"""The pipeline under the real DVC, in the order a user would go."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from gan_augment import table
from tests.e2e.conftest import Run, make_project

pytestmark = pytest.mark.e2e
STAGES = ("ingest", "train", "generate", "evaluate", "report", "assemble", "classifier")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    run = make_project(folder)
    run("dvc", "repro")
    return run


def test_repro_makes_everything(run: Run, folder: Path) -> None:
    augmented = table.read(folder / "data" / "augmented")
    assert set(augmented.rows["split"]) == set(table.SPLITS)
    assert (folder / "data" / "augmented" / "README.md").exists()
    assert (folder / "reports" / "report.html").stat().st_size > 10_000
    assert (folder / "reports" / "training" / "samples" / "step-000060.png").exists()
    assert (folder / "models" / "classifier" / "model.safetensors").exists()
    shown = run("gan-augment", "verdict").stdout
    assert "reports/report.html" in shown
    assert "data/augmented" in shown
    assert run("git", "status", "--short").stdout.split() == [
        "??",
        "dvc.lock",
        "??",
        "gan-augment.lock",
    ]


def test_a_second_repro_does_nothing(run: Run) -> None:
    printed = run("dvc", "repro").stdout
    assert [line for line in printed.splitlines() if line.startswith("Running")] == [
        "Running stage 'lock':"
    ]
    assert "lock: " not in printed
    assert run("dvc", "status").stdout.split() == ["lock:", "always", "changed"]


def test_after_an_upgrade_only_stages_whose_code_changed_run(run: Run, folder: Path) -> None:
    """As if the present code were newer than that which built."""
    file = folder / "gan-augment.lock"
    now = yaml.safe_load(file.read_text())
    earlier = {**now["stages"], "assemble": "0" * 16}
    file.write_text(yaml.safe_dump({"version": "0.0.1", "stages": earlier}))
    locked = folder / "dvc.lock"
    locked.write_text(locked.read_text().replace(now["stages"]["assemble"], "0" * 16))
    printed = run("dvc", "repro").stdout
    assert f"lock: gan-augment 0.0.1 became {now['version']}" in printed
    assert "lock: the code of assemble changed" in printed
    still = [name for name in STAGES if f"Stage '{name}' didn't change, skipping" in printed]
    assert still == ["ingest", "train", "generate", "evaluate", "report", "classifier"]
    assert "Stage 'assemble' is cached" in printed  # which DVC remembers from its first run
    assert yaml.safe_load(file.read_text()) == now


def test_metrics_and_plots_show(run: Run, folder: Path) -> None:
    metrics = json.loads(run("dvc", "metrics", "show", "--json").stdout)
    shown = metrics[""]["data"]["reports/metrics.json"]["data"]
    assert (
        shown["verdict"]
        == json.loads((folder / "reports/verdict.json").read_text())["overall"]["verdict"]
    )
    table = run("dvc", "metrics", "show").stdout.splitlines()
    assert len(table) == 2
    assert max(map(len, table)) <= 80
    run("dvc", "plots", "show")
    page = (folder / "dvc_plots" / "index.html").read_text()
    for title in ("Losses", "CAS on validation", "Lift over real images alone", "step-000060.png"):
        assert title in page


def test_only_what_depends_on_a_change_runs(
    run: Run, folder: Path, params: Callable[..., None]
) -> None:
    before = {shard: shard.stat().st_ino for shard in table.shards(folder / "data" / "real")}
    params(folder, evaluate={"classifiers": ["k-nn", "logistic-regression"]})
    printed = run("dvc", "repro").stdout
    ran = [name for name in STAGES if f"Running stage '{name}'" in printed]
    assert ran == ["evaluate", "report", "assemble", "classifier"]
    assert pd.read_csv(folder / "reports" / "repeats.csv")["classifier"].nunique() == 2
    assert before == {
        shard: shard.stat().st_ino for shard in table.shards(folder / "data" / "real")
    }
    params(folder, evaluate={"classifiers": ["k-nn"]})
    printed = run("dvc", "repro").stdout
    assert "Stage 'evaluate' is cached" in printed


def test_an_experiment_tries_a_value(run: Run, folder: Path) -> None:
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", "built")
    settings, losses = folder / "params.yaml", folder / "reports/training/losses.csv"
    before = settings.read_bytes(), losses.read_bytes()
    change = ("--set-param", "train.steps=90", "--name", "longer")
    run("dvc", "exp", "run", "--temp", *change, "train")
    assert (settings.read_bytes(), losses.read_bytes()) == before
    assert run("git", "status", "--short").stdout == ""
    shown = run("dvc", "exp", "show", "--csv").stdout
    assert "longer" in shown
    run("dvc", "exp", "apply", "longer")
    assert pd.read_csv(losses)["step"].iloc[-1] == 90


def test_bad_params_are_one_message(run: Run, folder: Path, params: Callable[..., None]) -> None:
    params(folder, train={"stepz": 5})
    failed = run("dvc", "repro", fails=True)
    printed = failed.stdout + failed.stderr
    assert "error: params.yaml: train.stepz: unknown key; did you mean 'steps'?" in printed
    assert "Traceback" not in printed
