"""A project whose stages are of an older version is told so."""

import shutil
from pathlib import Path

import pytest
import yaml

from gan_augment.cli import main
from gan_augment.errors import UserError
from gan_augment.project.stages import INSTALLED, outdated

ROOT = Path(__file__).parents[2]


def change(root: Path, **stages: object) -> None:
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    content["stages"] |= stages
    kept = {name: stage for name, stage in content["stages"].items() if stage is not None}
    (root / "dvc.yaml").write_text(yaml.safe_dump({**content, "stages": kept}))


def test_this_repository_and_a_stage_of_ones_own(tmp_path: Path) -> None:
    assert outdated(ROOT) == ""
    assert outdated(tmp_path) == ""  # no project
    change(tmp_path, mine={"cmd": "true"})
    assert outdated(tmp_path) == ""


def test_a_file_of_ones_own_that_a_stage_depends_on(tmp_path: Path) -> None:
    evaluate = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["evaluate"]
    more, fewer = ["my_networks.py", *evaluate["deps"]], evaluate["deps"][1:]
    change(tmp_path, evaluate={**evaluate, "deps": more})
    assert outdated(tmp_path) == ""
    change(tmp_path, evaluate={**evaluate, "deps": fewer})
    assert outdated(tmp_path).startswith("other stage than in dvc.yaml since this version: evalu")


def test_how_flows_run_a_stage_and_what_it_is_called_are_the_users_own(tmp_path: Path) -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    flow = {"flow": {"retries": 2, "time_limit_minutes": 720}}
    without = {key: value for key, value in stages["train"].items() if key not in ("desc", "meta")}
    change(tmp_path, ingest={**stages["ingest"], "meta": flow, "desc": "Mine"}, train=without)
    assert outdated(tmp_path) == ""
    change(tmp_path, ingest={**stages["ingest"], "meta": flow, "cmd": "true"})
    assert outdated(tmp_path).startswith("other stage than in dvc.yaml since this version: ingest;")


def test_stages_that_differ_or_are_missing(tmp_path: Path) -> None:
    change(tmp_path, train={"cmd": "gan-augment train --old"}, report=None)
    advice = outdated(tmp_path)
    assert advice.startswith(
        "other stages than in dvc.yaml since this version: train, report; copy "
    )
    shutil.copy(str(INSTALLED), tmp_path / "dvc.yaml")  # what it says to do
    assert outdated(tmp_path) == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"stages:\n\ttrain: x", "dvc.yaml is not valid YAML: .* '.t'"),
        (b"stages: [a]", "dvc.yaml: should be a mapping, and so should its stages"),
        (b"[a]", "dvc.yaml: should be a mapping, and so should its stages"),
        (b"\xff", "dvc.yaml cannot be read: 'utf-8' codec can't decode"),
    ],
)
def test_what_dvc_does_not_take_either(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "dvc.yaml").write_bytes(content)
    with pytest.raises(UserError, match=said):
        outdated(tmp_path)


@pytest.mark.parametrize("content", ["", "stages:", "stages: {}", "artifacts: {}"])
def test_no_stages_at_all(tmp_path: Path, content: str) -> None:
    (tmp_path / "dvc.yaml").write_text(content)
    assert outdated(tmp_path).startswith("other stages than in dvc.yaml since this version: ")


def test_lock_says_so_when_the_code_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change(tmp_path, report=None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["gan-augment", "lock"])
    for said in (True, False):  # the second time nothing has changed
        with pytest.raises(SystemExit):
            main()
        assert (
            "lock: other stage than in dvc.yaml since this version: report; "
            in capsys.readouterr().out
        ) == said
