"""A study of real digits with tiny settings."""

import json
from pathlib import Path

import pandas as pd
import pytest

from gan_augment.errors import UserError
from gan_augment.gan import stage as train
from gan_augment.params import Params
from gan_augment.study import study

FILES = ("outcomes.parquet", "repeats.csv", "verdict.json", "verdict.md")


def outputs(folder: Path) -> dict[str, Path]:
    return {"study": folder / "study", "scratch": folder / "scratch"}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, quick: Params) -> Path:
    """Return the study, which was killed once on its way."""
    folder = tmp_path_factory.mktemp("done")
    calls = 0

    def killed(*args: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        plain(*args)  # type: ignore[arg-type]

    plain = train.run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "run", killed)
        with pytest.raises(KeyboardInterrupt):
            study.run(quick, 6, outputs(folder))
        assert not (folder / "study").exists()
        study.run(quick, 6, outputs(folder))
    assert calls == 7  # two before, the third again, and the rest
    return folder


def test_replicates_have_splits_generators_and_repeats_of_their_own(done: Path) -> None:
    found = json.loads((done / "study" / "verdict.json").read_text())
    for name in ("real images", "sealed test split", "generator"):
        assert len({one["provenance"][name] for one in found["replicates"]}) == 6
    repeats = pd.read_csv(done / "study" / "repeats.csv")
    assert sorted(repeats["repeat"].unique()) == list(range(6))
    assert repeats.groupby(["repeat", "arm"])["value"].first().shape == (18,)


def test_the_verdict_is_that_of_the_differences_over_replicates(done: Path) -> None:
    found = json.loads((done / "study" / "verdict.json").read_text())
    repeats = pd.read_csv(done / "study" / "repeats.csv")
    here = repeats[(repeats["split"] == "test") & (repeats["metric"] == "balanced_accuracy")]
    scores = here.pivot_table("value", "repeat", "arm")
    difference = scores["gan"] - scores["real"]
    against_real = found["overall"]["against_real"]
    assert against_real["mean"] == pytest.approx(difference.mean(), abs=1e-5)


def test_the_table_can_be_read(done: Path) -> None:
    shown = (done / "study" / "verdict.md").read_text()
    found = json.loads((done / "study" / "verdict.json").read_text())
    assert found["overall"]["sentence"] in shown
    assert "| arm | mean | k-nn |" in shown
    assert f"| real | {100 * found['overall']['scores']['real']:.1f} |" in shown
    assert f"| *its best arm* | {found['overall']['gan_arm']} |" in shown


def test_nothing_is_left_behind_and_a_rerun_gives_the_same_bytes(
    done: Path, tmp_path: Path, quick: Params
) -> None:
    assert not list((done / "scratch").iterdir())
    study.run(quick, 6, outputs(tmp_path))
    for name in FILES:
        assert (tmp_path / "study" / name).read_bytes() == (done / "study" / name).read_bytes()


def test_too_few_replicates_are_refused(quick: Params, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="replicates = 5: at least 6"):
        study.run(quick, 5, outputs(tmp_path))


def test_a_refusal_names_the_replicate(quick: Params, tmp_path: Path) -> None:
    generate = quick.generate.model_copy(update={"min_real": 50})
    strict = quick.model_copy(update={"generate": generate})
    with pytest.raises(UserError, match=r"in .*/0: fewer than generate.min_real = 50"):
        study.run(strict, 6, outputs(tmp_path))
