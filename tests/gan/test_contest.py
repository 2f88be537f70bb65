"""Several networks: the one whose images add most is kept, whatever happens on the way."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gan_augment.errors import UserError
from gan_augment.gan import contest, model, stage
from gan_augment.gan.loop import TrainingFailedError
from gan_augment.gan.recipe import recipe
from gan_augment.ingest import stage as ingest
from gan_augment.params import IngestParams, Recipe, TrainParams
from tests.gan.test_stage import Killable, contents, outputs

SIZE = 24, 24
NAMES = ("mlp", "dcgan", "resnet")
QUICK = TrainParams(
    steps=20, batch_size=16, eval_interval=10, checkpoint_interval=5, threads=1, seed=3
)


def settings(*names: str) -> dict[str, Recipe]:
    return {name: recipe(QUICK.model_copy(update={"network": name}), SIZE) for name in names}


class Stand:
    """Trains in no time: writes what the lift and near copies of a network are said to be."""

    def __init__(self, lifts: dict[str, float | None]) -> None:
        self.lifts, self.trained = lifts, list[str]()

    def __call__(self, one: Recipe, places: contest.Places) -> None:
        self.trained.append(one.network)
        lift = self.lifts[one.network]
        if lift is None:
            raise TrainingFailedError(f"training failed: {one.network}")
        best = dict.fromkeys(contest.COLUMNS, 0.01) | {"step": 7, "lift": lift}
        for key in ("model", "history"):
            places[key].mkdir(parents=True)
        (places["model"] / "config.json").write_text(json.dumps({"training": {"best": best}}))
        (places["history"] / "losses.csv").write_text(one.network)


def kept(folder: Path) -> str:
    """Return the network whose history is there."""
    return (folder / "history" / "losses.csv").read_text()


def test_the_one_of_highest_lift_is_kept_with_its_history_and_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contest.run(
        Stand({"mlp": 0.01, "dcgan": 0.03, "resnet": 0.02}), settings(*NAMES), outputs(tmp_path)
    )
    assert kept(tmp_path) == "dcgan"
    table = pd.read_csv(tmp_path / "history" / "networks.csv")
    assert table["network"].tolist() == [*NAMES]
    assert table["lift"].tolist() == [0.01, 0.03, 0.02]
    printed = capsys.readouterr().out
    assert "train: mlp, then dcgan, then resnet: the network whose" in printed
    assert "train: dcgan is kept: mlp +1.0 points, standard error 1.0; dcgan +3.0" in printed


def test_a_network_that_fails_is_left_out_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contest.run(Stand({"mlp": -0.01, "resnet": None}), settings("mlp", "resnet"), outputs(tmp_path))
    assert kept(tmp_path) == "mlp"
    assert "train: resnet is left out: training failed: resnet" in capsys.readouterr().out


def test_if_all_fail_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="training failed: resnet"):
        contest.run(Stand(dict.fromkeys(NAMES)), settings("mlp", "resnet"), outputs(tmp_path))
    assert not (tmp_path / "model").exists()


def test_what_was_trained_before_a_kill_is_not_trained_again(tmp_path: Path) -> None:
    class Killed(Stand):
        def __call__(self, one: Recipe, places: contest.Places) -> None:
            if one.network == "resnet":
                raise KeyboardInterrupt
            super().__call__(one, places)

    with pytest.raises(KeyboardInterrupt):
        contest.run(Killed({"mlp": 0.02}), settings("mlp", "resnet"), outputs(tmp_path))
    again = Stand({"mlp": 0.0, "resnet": 0.01})
    contest.run(again, settings("mlp", "resnet"), outputs(tmp_path))
    assert again.trained == ["resnet"]
    assert kept(tmp_path) == "mlp"
    assert not [*(tmp_path / "scratch").iterdir()]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return digits at 24 pixels, for which `auto` trains two networks."""
    real = tmp_path_factory.mktemp("large") / "real"
    ingest.run(IngestParams(source="digits", image_size=SIZE), {}, {"real": real})
    return real


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, large: Path) -> Path:
    folder = tmp_path_factory.mktemp("both")
    stage.run(QUICK, {"real": large}, outputs(folder))
    return folder


def test_auto_trains_both_and_keeps_the_better(both: Path) -> None:
    rows = pd.read_csv(both / "history" / "networks.csv", index_col="network")
    assert rows.index.tolist() == ["mlp", "resnet"]
    best = rows["lift"].idxmax()
    assert model.load(both / "model").network == best
    scores = pd.read_csv(both / "history" / "validation.csv", index_col="step")
    assert scores.loc[rows.loc[best, "step"], "lift"] == pytest.approx(rows.loc[best, "lift"])
    sheets = {path.name for path in (both / "history" / "samples").iterdir()}
    assert sheets == {"step-000010.png", "step-000020.png"}


def test_auto_leaves_out_a_network_that_does_not_fit_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = tmp_path / "real"
    ingest.run(IngestParams(source="digits", image_size=(25, 25), limit=20), {}, {"real": real})
    stage.run(
        QUICK.model_copy(update={"steps": 1, "max_rollbacks": 0}), {"real": real}, outputs(tmp_path)
    )
    assert model.load(tmp_path / "model").network == "mlp"
    printed = capsys.readouterr().out
    assert "train: resnet is left out: train.network: images of 25×25 pixels halve only" in printed


def test_killed_in_the_second_it_ends_with_the_same_bytes(
    both: Path, tmp_path: Path, large: Path
) -> None:
    run = Killable(tmp_path, large, **changes())
    run.kill_when(lambda: reached(tmp_path))
    assert not (tmp_path / "model").exists()
    printed = run.finish()
    assert re.findall(r"train: resuming after step (\d+)", printed) in (["5"], ["10"], ["15"])
    assert contents(tmp_path) == contents(both)


def test_one_of_two_processes_killed_in_the_second_the_group_goes_on(
    tmp_path: Path, large: Path
) -> None:
    """Torchrun: the second network joins the group of the first."""
    run = Killable(tmp_path, large, **changes()).in_two()
    assert "train: resuming after step" in run.kill_one_when(lambda: reached(tmp_path))
    assert len(pd.read_csv(tmp_path / "history" / "networks.csv")) == 2
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["training"]["environment"]["processes"] == 2


def changes() -> dict[str, Any]:
    """Return what `Killable` is to change for the settings of this file."""
    return QUICK.model_dump(mode="json")


def reached(folder: Path) -> bool:
    """Return whether the second network has a checkpoint beyond its start."""
    found = folder.glob("scratch/*/resnet/scratch/*/attempt-*")
    return any(int(path.name[17:26]) >= 5 for path in found)
