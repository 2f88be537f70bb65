"""A study of real digits with tiny settings."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pytest

from gan_augment.engine import SHARE
from gan_augment.errors import UserError
from gan_augment.evaluation import outcomes
from gan_augment.gan.history import History
from gan_augment.params import Params
from gan_augment.study import study
from gan_augment.study.replicate import PATIENCE_S, Replicate
from gan_augment.table import Images
from tests.study.conftest import deletions

pytestmark = pytest.mark.usefixtures("all_cores")
FILES = ("outcomes.parquet", "repeats.csv", "verdict.json", "verdict.md")


def outputs(folder: Path) -> dict[str, Path]:
    return {"study": folder / "study", "scratch": folder / "scratch"}


@pytest.fixture(scope="module")
def interrupted(project: Path) -> dict[str, str]:
    """Interrupt a study, after another has been tried; return what both said, and who was there."""
    command = [sys.executable, "-m", "gan_augment.cli", "study", "--out", "study"]
    command += ["--scratch", "scratch"]
    log = project / "printed.txt"
    with log.open("w") as file:
        first = subprocess.Popen(
            command, cwd=project, stdout=file, stderr=file, start_new_session=True
        )
    deadline = time.monotonic() + 300
    while not list(project.glob("scratch/*/*/train.done")):
        assert first.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGSTOP)  # lest it end meanwhile
    second = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    os.killpg(first.pid, signal.SIGCONT)
    os.killpg(first.pid, signal.SIGINT)
    assert second.returncode == 1
    assert first.wait(60) == 130
    said = {"first": log.read_text(), "second": second.stderr, "process": str(first.pid)}
    deadline = time.monotonic() + PATIENCE_S
    while left := _alive(project):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    return said


def _alive(folder: Path) -> list[psutil.Process]:
    """Return the processes that work in a folder; those that nobody has reaped yet are dead."""
    found = psutil.process_iter(["cwd", "status"])
    here = [process for process in found if process.info["cwd"] == str(folder)]
    return [process for process in here if process.info["status"] != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def deleted() -> list[str]:
    """Return the names under which its replicates were deleted, once it has run."""
    return []


@pytest.fixture(scope="module")
def done(project: Path, quick: Params, interrupted: dict[str, str], deleted: list[str]) -> Path:
    """Return the folder of a study that was interrupted, and then went on."""
    assert interrupted
    assert not (project / "study").exists()
    with deletions() as names:
        study.run(quick, 6, outputs(project))
    deleted += names
    return project


def test_an_interrupt_ends_all_and_says_that_nothing_is_lost(interrupted: dict[str, str]) -> None:
    assert "stopped; what was finished is kept" in interrupted["first"]
    assert "Traceback" not in interrupted["first"]


def test_a_second_study_is_told_who_is_at_work(interrupted: dict[str, str]) -> None:
    said = interrupted["second"]
    assert said.startswith("error: another run is at work in ")
    assert f"(process {interrupted['process']} on " in said
    assert said.count("\n") == 1


def test_what_is_being_deleted_is_not_found(done: Path, deleted: list[str]) -> None:
    """Killed meanwhile, it would find replicates that are finished, and have no reports."""
    assert deleted
    assert all(name.startswith(".") for name in deleted)
    assert [path.name for path in (done / "scratch").iterdir()] == ["lock"]


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


def test_an_arm_that_one_classifier_alone_is_trained_on_is_in_the_table(done: Path) -> None:
    found = json.loads((done / "study" / "verdict.json").read_text())
    network = deepcopy(found["classifiers"]["k-nn"])
    network["scores"]["mixup"] = 0.99
    network["arms"]["mixup"] = {"mean": 0.05, "low": 0.01, "high": 0.09}
    found["classifiers"]["cnn"] = network
    lines = study.page(found).splitlines()
    last = lines.index("| mixup | – | – | +5.0 (+1.0 to +9.0) |")
    assert lines[last + 1].startswith("| *its best arm* |")


def test_it_keeps_what_each_network_added_and_the_cas_of_the_generator_that_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replicate = Replicate(Params(), tmp_path)
    replicate.history.mkdir()
    scores = [{"step": 500, "cas": 0.7}, {"step": 1000, "cas": 0.69}]
    losses = [{"step": 20, "penalty": 0.1}]
    History(losses=losses, validation=scores, best=scores[1]).write(replicate.history)
    tried = {"network": ["mlp", "resnet"], "lift": [0.02, 0.03], "cas": [0.7, 0.6]}
    pd.DataFrame(tried).to_csv(replicate.history / "networks.csv", index=False)
    monkeypatch.setattr(replicate, "verdict", lambda: {"choices": {}, "provenance": {}})
    monkeypatch.setattr(replicate, "passed", lambda: True)
    assert study.described(replicate)["networks"] == {"mlp": 0.02, "resnet": 0.03}
    (replicate.history / "networks.csv").unlink()
    assert study.described(replicate)["networks"] == {}
    assert study.described(replicate)["validation_cas"] == 0.69


def test_the_table_says_what_the_verdict_must_be_read_with(done: Path) -> None:
    found = json.loads((done / "study" / "verdict.json").read_text())
    assert "Caution" not in study.page(found)
    found["overall"]["cautions"] = ["Thin evidence: every class has few.", "k-nn may be guessing."]
    shown = study.page(found)
    assert "\n\n**Caution.** Thin evidence: every class has few.\n\n**Caution.** k-nn" in shown


def replicate(right: Mapping[str, str], **judged: str) -> pa.Table:
    """Return outcomes: each letter is an image, of two classes by turns; arms get some right."""
    images = {
        split: Images(
            np.zeros((len(names), 1, 4, 4), np.uint8),
            np.arange(len(names)) % 2,
            ("cat", "dog"),
            pd.DataFrame({"id": list(names), "group": list(names)}),
        )
        for split, names in judged.items()
    }
    hits = {
        (split, "k-nn", arm): np.array([[name in known for name in names]])
        for split, names in judged.items()
        for arm, known in right.items()
    }
    return outcomes.table(hits, images)


@pytest.mark.parametrize(
    ("validated", "elsewhere", "alternative", "told"),
    [("abcdstuvwx", "efgh", "gmm", False), ("stuvwx", "stuv", "smote", True)],
)
def test_an_arm_is_chosen_by_images_that_no_replicate_tests_or_a_caution_says_so(
    validated: str, elsewhere: str, alternative: str, told: bool
) -> None:
    right = {"real": "", "gan": "", "smote": "stuvwx", "gmm": "abcd"}
    other = replicate(right, validation=elsewhere, test="stuvwx")
    both = outcomes.together([replicate(right, validation=validated, test="ijkl"), other])
    found = study.of_replicates(both, 0.5, {"cat", "dog"}, 1.0)["overall"]
    assert (found["alternative"], study.SEEN in found["cautions"]) == (alternative, told)


def test_one_by_one_and_not_interrupted_it_gives_the_same_bytes(
    done: Path, tmp_path: Path, quick: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [file.name for file in (done / "scratch").iterdir()] == ["lock"]
    monkeypatch.setenv(SHARE, "1")
    study.run(quick, 6, outputs(tmp_path))
    for name in FILES:
        assert (tmp_path / "study" / name).read_bytes() == (done / "study" / name).read_bytes()


def test_no_section_of_any_replicate_shares_a_seed_with_another() -> None:
    sections = ("ingest", "train", "generate", "evaluate")
    replicates = [study.varied(Params(), number) for number in range(6)]
    seeds = {getattr(params, name).seed for params in replicates for name in sections}
    assert len(seeds) == 24


def test_too_few_replicates_are_refused(quick: Params, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="replicates = 5: at least 6"):
        study.run(quick, 5, outputs(tmp_path))


def test_a_refusal_names_the_replicate(quick: Params, tmp_path: Path) -> None:
    generate = quick.generate.model_copy(update={"min_real": 50})
    strict = quick.model_copy(update={"generate": generate})
    with pytest.raises(UserError, match=r"in .*/\d: fewer than generate.min_real = 50"):
        study.run(strict, 6, outputs(tmp_path))


def test_what_training_sets_share_widens_what_replicates_add() -> None:
    apart, shared = [{1, 2, 3, 4}, {5, 6, 7, 8}], [{1, 2, 3, 4}, {4, 5, 6, 7}]
    assert study.overlap(apart, 100) == 1
    assert study.overlap(shared, 100) == pytest.approx(1 + 2 * (1 / 4) / (3 / 4))
    # Nadeau and Bengio's factor is the most.
    assert study.overlap(shared, 1) == pytest.approx(1 + 2 * 1 / 4)
    assert study.overlap([{1, 2}, {1, 2}], 1) == pytest.approx(1 + 2 * 1 / 2)
