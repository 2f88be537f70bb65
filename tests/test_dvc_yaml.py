"""dvc.yaml says what the command line does: same stages, paths and params."""

import inspect
from pathlib import Path

import pytest
import typer
import yaml

from gan_augment import cli
from gan_augment.params import Params
from gan_augment.project import code

ROOT = Path(__file__).parents[1]
ALL = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
STAGES = {name: stage for name, stage in ALL.items() if name != "lock"}
REPORTS = {
    f"reports/{name}"
    for name in ("outcomes.parquet", "repeats.csv", "arms.csv", "lifts.csv", "verdict.json")
}


def files(entry: dict[str, list[str]], *keys: str) -> set[str]:
    return {path for key in keys for path in entry.get(key, [])}


def defaults(stage: str) -> set[str]:
    """Return the paths that a command uses when none are given."""
    command = getattr(cli, stage)
    return {str(p.default) for p in inspect.signature(command).parameters.values()}


def test_every_section_of_params_is_a_stage_and_tracked_by_it() -> None:
    others = {
        "train": ["generate.space"],
        "generate": ["evaluate.repeats", "evaluate.tuning_repeats"],
        "evaluate": ["embed.weights", "generate.space"],
        "report": ["assemble"],
        "assemble": ["embed.weights", "generate.space"],
        "classifier": ["embed.weights"],
    }
    assert set(STAGES) == set(Params.model_fields)
    for name, stage in STAGES.items():
        assert stage["params"] == [
            name,
            *others.get(name, []),
            {str(code.FILE): [f"stages.{name}"]},
        ]
        assert stage["cmd"] == f"gan-augment {name}"
        assert typer.main.get_command(cli.app).commands[name]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", STAGES)
def test_data_paths_are_the_defaults_of_the_command(name: str) -> None:
    stage = STAGES[name]
    made = files(stage, "outs", "metrics") | {
        dep for dep in stage["deps"] if not dep.startswith("$")
    }
    used = defaults(name) - {"params.yaml", f".scratch/{name}"}
    if name == "evaluate":
        used = used - {"reports"} | REPORTS | {"reports/metrics.json"}
    if name == "assemble":
        used = used - {"reports"} | {"reports/verdict.json"}
    if name == "report":
        read = {"reports/verdict.json", "reports/repeats.csv"}
        used = used - {"reports"} | read | {"reports/report.html"}
    assert made == used


def test_the_code_of_every_stage_is_noted_before_it_runs() -> None:
    assert set(code.STAGES) == set(STAGES)
    assert ALL["lock"]["cmd"] == "gan-augment lock"
    assert ALL["lock"]["always_changed"]
    assert ALL["lock"]["outs"] == [{str(code.FILE): {"cache": False, "persist": True}}]


def test_nothing_depends_on_the_report() -> None:
    made = set(STAGES["report"]["outs"])
    assert not any(made & set(stage["deps"]) for stage in STAGES.values())


def test_the_source_itself_is_a_dependency() -> None:
    assert "${ingest.path}" in STAGES["ingest"]["deps"]
