import pytest
import yaml

from gan_augment.errors import UserError
from gan_augment.versions import graph
from tests.projects import ROOT, STAGES, Project


def test_the_stages_are_those_of_dvc_yaml_each_after_what_it_needs() -> None:
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    found = [stage.name for stage in graph.stages(ROOT)]
    assert set(found) == set(declared)
    assert found[0] == "lock"
    makers = {str(out): name for name, stage in declared.items() for out in stage["outs"]}
    for name, stage in declared.items():
        for dep in stage.get("deps", []):
            if dep in makers:
                assert found.index(makers[dep]) < found.index(name)


def test_a_stage_added_to_dvc_yaml_is_a_stage_of_the_flow(project: Project) -> None:
    path = project.root / "dvc.yaml"
    content = yaml.safe_load(path.read_text())
    content["stages"]["export"] = {"cmd": "true", "deps": ["data/augmented"], "outs": ["export"]}
    path.write_text(yaml.safe_dump(content))
    assert [stage.name for stage in graph.stages(project.root)] == [*STAGES, "export"]


def test_hints_come_from_meta(project: Project) -> None:
    project.hint("train", retries=5, time_limit_minutes=30)
    found = {stage.name: stage.hints for stage in graph.stages(project.root)}
    assert found["train"] == graph.Hints(retries=5, time_limit_minutes=30)
    assert found["ingest"] == graph.Hints()
    assert graph.changed(project.root) == set()


def test_a_wrong_hint_is_named(project: Project) -> None:
    project.hint("train", time_limit=30)
    with pytest.raises(UserError, match=r"dvc.yaml: stages.train.meta.flow.time_limit = 30"):
        graph.stages(project.root)


def test_a_broken_dvc_yaml_is_one_message(project: Project) -> None:
    (project.root / "dvc.yaml").write_text("stages: {train: {cmd: 3, dep: x}}")
    with pytest.raises(UserError, match=r"dvc\.yaml"):
        graph.stages(project.root)


def test_changed_is_what_a_change_reaches(project: Project) -> None:
    assert graph.changed(project.root) == set()
    project.write(verdict={"overall": {"verdict": "level"}})
    assert graph.changed(project.root) == {"evaluate", "assemble"}
    project.change("train", "steps", 7)
    assert graph.changed(project.root) == {"train", "generate", "evaluate", "assemble"}


def test_what_runs_always_is_not_changed_by_that(project: Project) -> None:
    project.add_lock()
    assert [stage.name for stage in graph.stages(project.root) if stage.always] == ["lock"]
    assert graph.changed(project.root) == set()
    project.upgrade(train="0" * 16, evaluate="0" * 16)
    assert graph.changed(project.root) == set()  # it has not run yet
    project.run("dvc", "repro", "--single-item", "lock")
    assert graph.changed(project.root) == {"train", "generate", "evaluate", "assemble"}


def test_a_change_of_params_is_none_of_the_source(project: Project) -> None:
    project.change("ingest", "seed", 7)
    assert graph.changed(project.root)
    assert not graph.source_changed(project.root)
    (project.root / "data/raw/b.txt").write_text("b\n")
    assert graph.source_changed(project.root)
